
// Names of what messages that go out keep to themselves.
return {
  kOutHeaders: Symbol("kOutHeaders"), kUniqueHeaders: Symbol("kUniqueHeaders"), kNeedDrain: Symbol("kNeedDrain"), kCorked: Symbol("corked"), kErrored: Symbol("errored"),
  kHighWaterMark: Symbol("kHighWaterMark"), kBytesWritten: Symbol("kBytesWritten"), kRejectNonStandardBodyWrites: Symbol("kRejectNonStandardBodyWrites"), kCloudflare: Symbol("cloudflare"), kConnected: Symbol("connected"),
};
