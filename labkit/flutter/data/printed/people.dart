print("Participants in room: ${room.participants}");
