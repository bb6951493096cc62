late VideoTrack videoTrack;

widget.participant.videoTracks.first.then((track) {
  setState(() {
    videoTrack = track;
  });
});
