final client = await LivekitClient.connect(
  serverUrl: "wss://your-livekit-server.com",
  token: "your-auth-token",
);
