import 'dart:async';

import 'package:flutter/material.dart';
import 'package:livekit_client/livekit_client.dart' as lk;

import 'call.dart';

/// Shows a call: its state in words, and both pictures.
class CallPage extends StatefulWidget {
  const CallPage(this.ongoing, {super.key});

  final TwoPartyCall ongoing;

  @override
  State<CallPage> createState() => _CallPageState();
}

class _CallPageState extends State<CallPage> {
  TwoPartyCall get _call => widget.ongoing;

  @override
  void initState() {
    super.initState();
    unawaited(_call.join());
  }

  @override
  void dispose() {
    unawaited(_call.leave());
    super.dispose();
  }

  @override
  Widget build(BuildContext context) {
    return ListenableBuilder(
      listenable: _call,
      builder: (context, child) => Scaffold(
        appBar: AppBar(title: Text(_call.state.words)),
        body: Column(
          children: [
            if (_call.deviceProblem case final problem?) Text(problem),
            Expanded(child: _picture(_call.other)),
            Expanded(child: _picture(_call.me)),
          ],
        ),
        floatingActionButton: FloatingActionButton(
          tooltip: 'Leave',
          onPressed: () => Navigator.of(context).pop(),
          child: const Icon(Icons.call_end),
        ),
      ),
    );
  }

  Widget _picture(lk.Participant? person) {
    if (person == null) return const Center(child: Text('Nobody here yet'));
    return ListenableBuilder(
      listenable: person,
      builder: (context, child) {
        final track = _cameraOf(person);
        if (track == null) return Center(child: Text(person.identity));
        return lk.VideoTrackRenderer(track, fit: lk.VideoViewFit.cover);
      },
    );
  }

  lk.VideoTrack? _cameraOf(lk.Participant person) {
    final publication = person.getTrackPublicationBySource(lk.TrackSource.camera);
    final track = publication?.track;
    if (track is lk.VideoTrack && publication?.muted != true) return track;
    return null;
  }
}
