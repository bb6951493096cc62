import 'package:livekit_client/livekit_client.dart' as lk;

/// Asks the backend for the server's address and a room token.
///
/// Your ID token says who you are. The backend checks it, decides whether you
/// may join, and signs the room token with a secret that no app ever sees.
/// It answers 401 to a bad ID token and 409 when the room is full.
Future<lk.TokenSourceResponse> askForToken(
  Uri endpoint,
  String idToken, {
  required String roomName,
  required String name,
}) {
  final source = lk.EndpointTokenSource(
    url: endpoint,
    headers: {'Authorization': 'Bearer $idToken'},
  );
  return source.fetch(lk.TokenRequestOptions(
    roomName: roomName,
    participantName: name,
  ));
}
