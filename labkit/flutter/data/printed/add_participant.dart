await room.addParticipant(participant: newParticipant);
