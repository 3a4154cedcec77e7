package config

// BindingKind is what a binding puts into env.
type BindingKind uint8

const (
	BindingUnspecified BindingKind = iota // the configuration forgot to say; Validate reports it
	BindingParameter
	BindingText
	BindingData
	BindingJSON
	BindingWasmModule
	BindingCryptoKey
	BindingService
	BindingDurableObjectClass
	BindingDurableObjectNamespace
	BindingKVNamespace
	BindingR2Bucket
	BindingQueue
	BindingWrapped
	BindingFromEnvironment
	BindingAnalyticsEngine
	BindingHyperdrive
	BindingUnsafeEval
	BindingMemoryCache
	BindingWorkerLoader
	BindingWorkerdDebugPort
	BindingObsolete
	BindingVersionMetadata // what the version of the worker is called; wrangler files only
	BindingPlatform        // a product only wrangler knows, named by Binding.Product
)

var bindingKindNames = []string{
	"unspecified", "parameter", "text", "data", "json", "wasmModule", "cryptoKey", "service",
	"durableObjectClass", "durableObjectNamespace", "kvNamespace", "r2Bucket", "queue", "wrapped",
	"fromEnvironment", "analyticsEngine", "hyperdrive", "unsafeEval", "memoryCache", "workerLoader",
	"workerdDebugPort", "obsolete0", "versionMetadata", "platform",
}

func (k BindingKind) String() string               { return kindName(bindingKindNames, k) }
func (k BindingKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Binding is one property of env (or one global, in service-worker syntax). Kind says which of the other
// fields are meaningful.
type Binding struct {
	Pos  Pos
	Name string
	Kind BindingKind

	// Text is the string of BindingText, the source of BindingJSON, and the variable name of
	// BindingFromEnvironment.
	Text string
	// Data is the bytes of BindingData and BindingWasmModule.
	Data []byte
	// Service is the target of BindingService, BindingDurableObjectClass, BindingKVNamespace,
	// BindingR2Bucket, BindingQueue, BindingAnalyticsEngine and BindingHyperdrive. A wrangler file names the
	// resource by ID instead, except for services.
	Service ServiceDesignator
	// ID is the resource of a wrangler binding (namespace id, bucket, queue, dataset), the cache shared by
	// memory caches of the same id, and the id of a worker loader.
	ID string

	Namespace   *DurableObjectNamespaceDesignator // BindingDurableObjectNamespace
	CryptoKey   *CryptoKey                        // BindingCryptoKey
	Wrapped     *WrappedBinding                   // BindingWrapped
	Hyperdrive  *Hyperdrive                       // BindingHyperdrive
	MemoryCache *MemoryCacheLimits                // BindingMemoryCache; nil = the configuration gave no limits
	Parameter   *Parameter                        // BindingParameter
	Product     string                            // BindingPlatform: the wrangler field it comes from
}

// DurableObjectNamespaceDesignator names a namespace of this worker or of another.
type DurableObjectNamespaceDesignator struct {
	Pos         Pos
	ClassName   string
	ServiceName string // "" = this worker
}

// Hyperdrive is a database connection behind a service.
type Hyperdrive struct {
	Database string
	User     string
	Password string
	Scheme   string
}

// MemoryCacheLimits bounds a memory cache. Sizes are bytes.
type MemoryCacheLimits struct {
	Pos               Pos
	MaxKeys           uint32
	MaxValueSize      uint32
	MaxTotalValueSize uint64
}

// WrappedBinding passes inner bindings through a function of an internal extension module.
type WrappedBinding struct {
	Pos        Pos
	ModuleName string
	Entrypoint string // exported function; defaults to "default"
	Inner      []Binding
}

// Parameter is a binding an inheriting worker must fill in.
type Parameter struct {
	Pos      Pos
	Type     string // union member of the schema's Type, "unspecified" if none
	Usages   []CryptoKeyUsage
	Optional bool
}

// CryptoKeyFormat is how the key material is written.
type CryptoKeyFormat uint8

const (
	KeyRaw CryptoKeyFormat = iota
	KeyHex
	KeyBase64
	KeyPKCS8 // PEM "PRIVATE KEY"
	KeySPKI  // PEM "PUBLIC KEY"
	KeyJWK   // JSON
)

var cryptoKeyFormatNames = []string{"raw", "hex", "base64", "pkcs8", "spki", "jwk"}

func (k CryptoKeyFormat) String() string               { return kindName(cryptoKeyFormatNames, k) }
func (k CryptoKeyFormat) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// CryptoKeyUsage is one operation a key may be used for.
type CryptoKeyUsage uint8

const (
	UsageEncrypt CryptoKeyUsage = iota
	UsageDecrypt
	UsageSign
	UsageVerify
	UsageDeriveKey
	UsageDeriveBits
	UsageWrapKey
	UsageUnwrapKey
)

var cryptoKeyUsageNames = []string{
	"encrypt", "decrypt", "sign", "verify", "deriveKey", "deriveBits", "wrapKey", "unwrapKey",
}

func (k CryptoKeyUsage) String() string               { return kindName(cryptoKeyUsageNames, k) }
func (k CryptoKeyUsage) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// CryptoKey is imported as by crypto.subtle.importKey.
type CryptoKey struct {
	Pos           Pos
	Format        CryptoKeyFormat
	Key           []byte // as written; raw bytes only for KeyRaw
	AlgorithmName string
	AlgorithmJSON string // in place of AlgorithmName, when it needs parameters
	Extractable   bool
	Usages        []CryptoKeyUsage
}
