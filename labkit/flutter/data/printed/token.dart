final room = await client.joinRoom(
  name: "my-room-name",
  participantName: "user123",
  options: RoomOptions(),
);
