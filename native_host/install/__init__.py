"""Installation for one user: native-messaging manifests, browsers, diagnosis and repair."""
