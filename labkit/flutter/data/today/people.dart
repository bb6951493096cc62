List<String> people(Room room) {
  return [for (final someone in room.remoteParticipants.values) someone.identity];
}
