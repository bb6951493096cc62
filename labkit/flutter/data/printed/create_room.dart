final room = await client.createRoom(
  name: "new-room",
  options: RoomOptions(maxParticipants: 10),
);
