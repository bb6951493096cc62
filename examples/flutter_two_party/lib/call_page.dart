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

  String? _unfinished;

  @override
  void initState() {
    super.initState();
    unawaited(_join());
  }

  Future<void> _join() async {
    try {
      await _call.join();
    } on UnimplementedError catch (todo) {
      if (mounted) setState(() => _unfinished = todo.message);
    }
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
        appBar: AppBar(title: Text(_unfinished ?? _call.state.words)),
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
    // TODO 6: show the person's camera by a VideoTrackRenderer. Ask
    // getTrackPublicationBySource(lk.TrackSource.camera) for it; its track is
    // null until it is subscribed, and a muted camera has no picture. Rebuild
    // when the person changes: a ListenableBuilder listens to a Participant.
    return Center(child: Text(person?.identity ?? 'Nobody here yet'));
  }
}
