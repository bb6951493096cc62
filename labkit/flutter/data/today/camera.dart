Future<void> publishCamera(Room room) async {
  try {
    await room.localParticipant?.setCameraEnabled(true);
  } catch (error) {
    // A refused permission arrives as plain text, so no type is named.
    debugPrint('No camera: $error');
  }
}
