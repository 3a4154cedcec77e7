package config

// SocketKind is the protocol a socket speaks.
type SocketKind uint8

const (
	SocketHTTP SocketKind = iota
	SocketHTTPS
	SocketTCP
)

var socketKindNames = []string{"http", "https", "tcp"}

func (k SocketKind) String() string               { return kindName(socketKindNames, k) }
func (k SocketKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Socket is an address on which the server listens, and the service that gets what arrives.
type Socket struct {
	Pos     Pos
	Name    string
	Address Text // "*:80", "1.2.3.4:80", "[::1]:80", "unix:/path", "unix-abstract:name", "host:port"
	Kind    SocketKind
	HTTP    HTTPOptions // for http and https
	TLS     *TLSOptions // for https, and for tcp when it is encrypted
	Service ServiceDesignator
	FD      *int // listening descriptor the process inherited, in place of Address; only Override sets it
}

// Loopback begins the address of a socket, or of an external server, of which only tests know:
// they reach each other within the process.
const Loopback = "loopback:"

// HTTPStyle is what request lines look like.
type HTTPStyle uint8

const (
	StyleHost  HTTPStyle = iota // path in the request line, name in the Host header
	StyleProxy                  // full URL in the request line
)

var httpStyleNames = []string{"host", "proxy"}

func (k HTTPStyle) String() string               { return kindName(httpStyleNames, k) }
func (k HTTPStyle) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// HTTPOptions is how HTTP is spoken on a socket or towards an external server.
type HTTPOptions struct {
	Style                 HTTPStyle
	ForwardedProtoHeader  string // header that carries the original protocol; "" = none; ignored for StyleProxy
	CfBlobHeader          string // header that carries request.cf as JSON; "" = none
	InjectRequestHeaders  []Header
	InjectResponseHeaders []Header
	CapnpConnectHost      Text // host:port whose CONNECT starts a Cap'n Proto RPC session
}

// Header is set on messages that pass by, in place of any header of that name.
type Header struct {
	Pos    Pos
	Name   string // letter case does not matter
	Value  string
	Remove bool // the configuration gave no value: drop the header
}

// TLSVersion is a lower bound on the protocol version.
type TLSVersion uint8

const (
	TLSGoodDefault TLSVersion = iota // the implementation chooses
	TLSSSL3
	TLS10
	TLS11
	TLS12
	TLS13
)

var tlsVersionNames = []string{"goodDefault", "ssl3", "tls1Dot0", "tls1Dot1", "tls1Dot2", "tls1Dot3"}

func (k TLSVersion) String() string               { return kindName(tlsVersionNames, k) }
func (k TLSVersion) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// TLSOptions applies to the server or the client side, depending on where it stands.
type TLSOptions struct {
	Pos                 Pos
	Keypair             *Keypair // nil = none; a client may do without
	RequireClientCerts  bool
	TrustBrowserCAs     bool
	TrustedCertificates []Text // PEM
	MinVersion          TLSVersion
	CipherList          string // OpenSSL syntax; "" = default
}

// Keypair is a private key and its certificate chain, both PEM, leaf certificate first.
type Keypair struct {
	Pos              Pos
	PrivateKey       string
	CertificateChain string
}

// ExternalServer is one server elsewhere that gets every request sent to the service.
type ExternalServer struct {
	Address         Text
	Kind            SocketKind
	HTTP            HTTPOptions // for http and https
	TLS             *TLSOptions // for https, and for tcp when it is encrypted
	CertificateHost string      // host name the certificate must be for; "" = the address
}

// Network is the ability to connect to addresses that match Allow and not Deny: CIDR blocks, or the words
// private, public, local, network, unix, unix-abstract.
type Network struct {
	Allow []Text // nil never comes from a reader: the default is ["public"], and [] allows nothing
	Deny  []Text
	TLS   *TLSOptions
}

// DiskDirectory serves one directory over HTTP.
type DiskDirectory struct {
	Path          Text // relative paths are relative to the server's working directory
	Writable      bool
	AllowDotfiles bool
	Create        bool // make the directory at start if it is missing; only implied directories do
}
