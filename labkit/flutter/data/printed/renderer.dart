if (videoTrack != null && videoTrack.track != null) {
  return VideoViewWidget(
    track: videoTrack,
    fit: BoxFit.cover,
  );
}
