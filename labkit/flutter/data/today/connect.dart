Future<Room> join(String serverUrl, String token) async {
  final room = Room(roomOptions: const RoomOptions(adaptiveStream: true, dynacast: true));
  await room.connect(serverUrl, token);
  return room;
}
