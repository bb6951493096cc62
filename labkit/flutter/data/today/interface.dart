Widget callBody(Room room) {
  return ListenableBuilder(
    listenable: room,
    builder: (context, child) {
      final me = room.localParticipant;
      final others = room.remoteParticipants.values;
      return Column(children: [
        if (me != null) Expanded(child: PersonView(me)),
        if (others.isNotEmpty) Expanded(child: PersonView(others.first)),
        ElevatedButton(onPressed: room.disconnect, child: const Text('Leave')),
      ]);
    },
  );
}
