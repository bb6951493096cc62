EventsListener<RoomEvent> listen(Room room, void Function(String) joined) {
  for (final someone in room.remoteParticipants.values) {
    joined(someone.identity); // there before us: no event will come
  }
  return room.createListener()
    ..on<ParticipantConnectedEvent>((event) => joined(event.participant.identity));
}
