"""Setting the host up for a user: native-messaging manifests, browsers, the device's key, diagnosis and repair."""
