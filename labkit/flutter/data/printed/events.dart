room.onParticipantJoined.listen((participant) {
  print("Participant joined: $participant");
});
