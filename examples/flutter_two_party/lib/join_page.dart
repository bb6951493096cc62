import 'dart:convert';

import 'package:flutter/material.dart';

import 'call.dart';
import 'call_page.dart';

const _endpoint = String.fromEnvironment('ENDPOINT', defaultValue: 'http://127.0.0.1:8080/token');
const _idToken = String.fromEnvironment('ID_TOKEN');
const _room = String.fromEnvironment('ROOM', defaultValue: 'exam');

/// Asks where and as whom to join.
class JoinPage extends StatefulWidget {
  const JoinPage({super.key});

  @override
  State<JoinPage> createState() => _JoinPageState();
}

class _JoinPageState extends State<JoinPage> {
  final _fields = {
    'Token endpoint': TextEditingController(text: _endpoint),
    'ID token': TextEditingController(text: _idToken),
    'Room': TextEditingController(text: _room),
    'Your name': TextEditingController(text: 'Student'),
  };

  String _text(String field) => _fields[field]!.text.trim();

  /// Fills the form from the exam's QR code: scan it, copy its text, and paste
  /// it into the first field.
  void _take(String text) {
    try {
      if (jsonDecode(text)
          case {
            'endpoint': final String endpoint,
            'id_token': final String idToken,
            'room': final String room,
          }) {
        _fields['Token endpoint']!.text = endpoint;
        _fields['ID token']!.text = idToken;
        _fields['Room']!.text = room;
      }
    } on FormatException {
      return; // an address
    }
  }

  Future<void> _join() async {
    final call = TwoPartyCall(
      endpoint: Uri.parse(_text('Token endpoint')),
      idToken: _text('ID token'),
      roomName: _text('Room'),
      name: _text('Your name'),
    );
    await Navigator.of(context).push(
      MaterialPageRoute(builder: (context) => CallPage(call)),
    );
  }

  @override
  void dispose() {
    for (final field in _fields.values) {
      field.dispose();
    }
    super.dispose();
  }

  @override
  Widget build(BuildContext context) {
    return Scaffold(
      appBar: AppBar(title: const Text('Two-party call')),
      body: ListView(
        padding: const EdgeInsets.all(16),
        children: [
          for (final field in _fields.entries)
            TextField(
              controller: field.value,
              onChanged: field.key == 'Token endpoint' ? _take : null,
              decoration: InputDecoration(labelText: field.key),
            ),
          const SizedBox(height: 16),
          FilledButton(onPressed: _join, child: const Text('Join')),
        ],
      ),
    );
  }
}
