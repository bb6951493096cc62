Expanded(child: VideoView(participant: room.participants.first)),
ElevatedButton(onPressed: () async {
  await room.addParticipant(participant: Participant(name: "user456"));
}, child: Text("Добавить участника"))
