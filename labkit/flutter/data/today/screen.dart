class _CallScreenState extends State<CallScreen> {
  final _room = Room();
  String? _problem;

  @override
  void initState() {
    super.initState();
    unawaited(_join());
  }

  Future<void> _join() async {
    try {
      await _room.connect(widget.serverUrl, widget.token);
    } catch (error) {
      if (mounted) setState(() => _problem = '$error');
    }
  }

  @override
  void dispose() {
    unawaited(_room.disconnect().then((_) => _room.dispose()));
    super.dispose();
  }

  @override
  Widget build(BuildContext context) => Center(child: Text(_problem ?? 'In the call'));
}
