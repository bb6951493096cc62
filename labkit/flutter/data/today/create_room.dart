// Nothing to write: the backend makes the room, or the first who joins with
// a token that names it does. The app only says which room it wants:
const wanted = TokenRequestOptions(roomName: 'new-room');
