"""What every gRPC service shares: server, channel, auth, health, reflection, error mapping, supervision.

Its public face is its modules, because a command pays for what it imports: `errors` and `local` need no gRPC,
`channel` is for clients, `server` and `supervise` are for services.
"""
