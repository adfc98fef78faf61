"""What every gRPC service shares: server, channel, auth, health, reflection, error mapping, supervision."""
