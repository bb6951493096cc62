import 'package:livekit_client/livekit_client.dart' as lk;

/// All that can be the matter with a call, one at a time.
enum CallState {
  joining('Joining…'),
  waiting('Waiting for the other…'),
  inCall('In the call'),
  reconnecting('The connection is gone, trying again…'),
  otherLeft('The other has left.'),
  full('This call has two people already.'),
  refused('The backend does not let you in. Is the ID token still good?'),
  noServer('The server does not answer. Is the address right?'),
  ended('You have left.');

  const CallState(this.words);

  /// What a person reads.
  final String words;
}

/// What an error of joining means.
CallState stateOfError(Object error) {
  if (error is lk.TokenSourceHttpException) {
    return switch (error.statusCode) {
      409 => CallState.full,
      401 || 403 => CallState.refused,
      _ => CallState.noServer,
    };
  }
  if (error is lk.ConnectException && error.reason == lk.ConnectionErrorReason.NotAllowed) {
    return CallState.refused;
  }
  return CallState.noServer;
}
