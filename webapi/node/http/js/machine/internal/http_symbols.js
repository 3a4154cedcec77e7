
// Names of what a server and who hands requests to it tell each other.
return { kCloudflare: Symbol("cloudflare"), kConnected: Symbol("connected") };
