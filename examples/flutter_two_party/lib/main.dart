import 'package:flutter/material.dart';

import 'join_page.dart';

void main() => runApp(const TwoPartyApp());

/// A video call for two.
class TwoPartyApp extends StatelessWidget {
  const TwoPartyApp({super.key});

  @override
  Widget build(BuildContext context) {
    return MaterialApp(
      title: 'Two-party call',
      theme: ThemeData(colorSchemeSeed: Colors.teal),
      home: const JoinPage(),
    );
  }
}
