Future<TokenSourceResponse> askForToken(Uri endpoint, String idToken) {
  final source = EndpointTokenSource(
    url: endpoint,
    headers: {'Authorization': 'Bearer $idToken'},
  );
  return source.fetch(const TokenRequestOptions(
    roomName: 'my-room-name',
    participantName: 'user123',
  ));
}
