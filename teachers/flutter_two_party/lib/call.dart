import 'package:flutter/foundation.dart';
import 'package:livekit_client/livekit_client.dart' as lk;

import 'call_state.dart';
import 'token.dart';

/// One call between two people. Widgets listen to it and show what it says.
class TwoPartyCall extends ChangeNotifier {
  TwoPartyCall({
    required this.endpoint,
    required this.idToken,
    required this.roomName,
    required this.name,
  });

  final Uri endpoint;
  final String idToken;
  final String roomName;
  final String name;

  /// adaptiveStream tells the server how large you show the other's picture.
  final room = lk.Room(
    roomOptions: const lk.RoomOptions(adaptiveStream: true, dynacast: true),
  );

  late final _listener = room.createListener();

  CallState state = CallState.joining;

  /// What went wrong with the camera or the microphone; null while they work.
  String? deviceProblem;

  bool _left = false;

  lk.LocalParticipant? get me => room.localParticipant;

  lk.RemoteParticipant? get other => room.remoteParticipants.values.firstOrNull;

  /// Joins the call and publishes camera and microphone.
  Future<void> join() async {
    try {
      final answer = await askForToken(endpoint, idToken, roomName: roomName, name: name);
      if (_left) return;
      _follow();
      await room.connect(answer.serverUrl, answer.participantToken);
    } catch (error) {
      show(stateOfError(error));
      return;
    }
    await _publish();
    _settle();
  }

  Future<void> _publish() async {
    try {
      await me?.setCameraEnabled(true);
      await me?.setMicrophoneEnabled(true);
    } catch (error) {
      deviceProblem = 'No camera or no microphone: $error';
    }
  }

  void _follow() {
    _listener
      ..on<lk.ParticipantConnectedEvent>((event) => _settle())
      ..on<lk.ParticipantDisconnectedEvent>((event) => show(CallState.otherLeft))
      ..on<lk.TrackSubscribedEvent>((event) => notifyListeners())
      ..on<lk.LocalTrackPublishedEvent>((event) => notifyListeners())
      ..on<lk.RoomResumingEvent>((event) => show(CallState.reconnecting))
      ..on<lk.RoomReconnectingEvent>((event) => show(CallState.reconnecting))
      ..on<lk.RoomReconnectedEvent>((event) => _settle())
      ..on<lk.RoomDisconnectedEvent>((event) => show(_stateOfReason(event.reason)));
  }

  CallState _stateOfReason(lk.DisconnectReason? reason) => switch (reason) {
        lk.DisconnectReason.clientInitiated => CallState.ended,
        lk.DisconnectReason.participantRemoved => CallState.refused,
        lk.DisconnectReason.duplicateIdentity => CallState.refused,
        lk.DisconnectReason.roomDeleted => CallState.ended,
        _ => CallState.noServer,
      };

  void _settle() => show(other == null ? CallState.waiting : CallState.inCall);

  /// Leaves the call, so that the other is told at once.
  Future<void> leave() async {
    if (_left) return;
    _left = true;
    await _listener.dispose();
    await room.disconnect();
    await room.dispose();
  }

  /// Changes the state and tells the widgets.
  @protected
  void show(CallState now) {
    if (_left) return;
    state = now;
    notifyListeners();
  }
}
