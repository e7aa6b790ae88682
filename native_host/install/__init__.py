"""Installation for one user: native-messaging manifests, browsers, device key, diagnosis and repair."""
