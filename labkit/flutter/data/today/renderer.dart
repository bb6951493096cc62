class PersonView extends StatelessWidget {
  const PersonView(this.person, {super.key});

  final Participant person;

  @override
  Widget build(BuildContext context) {
    return ListenableBuilder(
      listenable: person,
      builder: (context, child) {
        final track = cameraOf(person);
        if (track == null) return const Text('Waiting for video...');
        return VideoTrackRenderer(track, fit: VideoViewFit.cover);
      },
    );
  }
}
