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

  CallState state = CallState.joining;

  /// What went wrong with the camera or the microphone; null while they work.
  String? deviceProblem;

  lk.LocalParticipant? get me => room.localParticipant;

  lk.RemoteParticipant? get other => room.remoteParticipants.values.firstOrNull;

  /// Joins the call and publishes camera and microphone.
  Future<void> join() async {
    try {
      final answer = await askForToken(endpoint, idToken, roomName: roomName, name: name);
      // TODO 1: follow what happens (call _follow below), then connect the
      // room to answer.serverUrl with answer.participantToken.
      throw UnimplementedError('TODO 1: connect to ${answer.serverUrl}');
    } on UnimplementedError {
      rethrow;
    } catch (error) {
      show(stateOfError(error));
      return;
    }
    // TODO 2: switch the camera and the microphone on (setCameraEnabled and
    // setMicrophoneEnabled of me). A refused permission arrives as plain text,
    // so catch everything and keep it in deviceProblem: a call without a
    // camera is still a call.
    // TODO 3: show waiting or inCall. Somebody may have been there before you:
    // no event will tell you about them.
  }

  /// Listens to the events of the room.
  // ignore: unused_element
  void _follow() {
    // TODO 4: room.createListener(), and then one ..on<...Event>(...) each for
    // ParticipantConnectedEvent, ParticipantDisconnectedEvent (otherLeft),
    // TrackSubscribedEvent (call notifyListeners), RoomResumingEvent and
    // RoomReconnectingEvent (reconnecting), RoomReconnectedEvent, and
    // RoomDisconnectedEvent (its reason says why). Keep the listener: it has
    // to be disposed of when you leave.
  }

  /// Leaves the call, so that the other is told at once.
  Future<void> leave() async {
    // TODO 5: dispose of the listener, disconnect the room, dispose of it.
    show(CallState.ended);
  }

  /// Changes the state and tells the widgets.
  @protected
  void show(CallState now) {
    state = now;
    notifyListeners();
  }
}
