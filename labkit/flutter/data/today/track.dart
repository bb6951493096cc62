VideoTrack? cameraOf(Participant someone) {
  final publication = someone.getTrackPublicationBySource(TrackSource.camera);
  final track = publication?.track; // null until it is subscribed
  if (track is VideoTrack && publication?.muted != true) return track;
  return null;
}
