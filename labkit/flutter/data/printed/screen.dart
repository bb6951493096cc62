late LivekitClient client;
late Room room;

@override
void initState() {
  super.initState();
  connectToLiveKit();
}
