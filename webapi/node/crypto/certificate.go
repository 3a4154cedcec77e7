package crypto

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"slices"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/crypt"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/crypto"
)

// certificate is what is behind an X509Certificate.
type certificate struct{ *x509.Certificate }

var certificateClass = &bind.Class[certificate]{
	Name: "X509Handle",
	Methods: map[string]bind.Method[certificate]{
		"field":           (*certificate).jsField,
		"checkHost":       (*certificate).jsCheckHost,
		"checkEmail":      (*certificate).jsCheckEmail,
		"checkIP":         (*certificate).jsCheckIP,
		"checkIssued":     (*certificate).jsCheckIssued,
		"checkPrivateKey": (*certificate).jsCheckPrivateKey,
		"verify":          (*certificate).jsVerify,
	},
}

// parse(bytes): undefined for what is no certificate.
func jsParseCertificate(c *bind.Call) (any, error) {
	der := bytes(c, 0)
	for rest := der; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type == "CERTIFICATE" || block.Type == "X509 CERTIFICATE" || block.Type == "TRUSTED CERTIFICATE" {
			der = block.Bytes
			break
		}
	}
	cert, err := x509.ParseCertificate(slices.Clone(der))
	if err != nil {
		return nil, nil
	}
	return certificateClass.Wrap(c.JS(), &certificate{cert}), nil
}

// shortNames are the attributes of names as OpenSSL abbreviates them.
var shortNames = map[string]string{
	"2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "street", "2.5.4.10": "O", "2.5.4.11": "OU",
	"2.5.4.12": "title", "2.5.4.13": "description", "2.5.4.17": "postalCode", "2.5.4.41": "name", "2.5.4.42": "GN", "2.5.4.43": "initials", "2.5.4.46": "dnQualifier",
	"2.5.4.65": "pseudonym", "2.5.4.97": "organizationIdentifier", "2.5.4.15": "businessCategory", "1.2.840.113549.1.9.1": "emailAddress", "0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID",
	"1.3.6.1.4.1.311.60.2.1.1": "jurisdictionL", "1.3.6.1.4.1.311.60.2.1.2": "jurisdictionST", "1.3.6.1.4.1.311.60.2.1.3": "jurisdictionC",
}

type attribute struct{ name, value string }

// attributes are those of a name, in its order.
func attributes(raw []byte) (list []attribute) {
	var seq pkix.RDNSequence
	if _, err := asn1.Unmarshal(raw, &seq); err != nil {
		return nil
	}
	for _, set := range seq {
		for _, a := range set {
			name := a.Type.String()
			if short := shortNames[name]; short != "" {
				name = short
			}
			list = append(list, attribute{name, fmt.Sprint(a.Value)})
		}
	}
	return list
}

// nameText is a name with an attribute per line.
func nameText(raw []byte) string {
	lines := []string{}
	for _, a := range attributes(raw) {
		value := strings.NewReplacer("\\", "\\\\", "\n", "\\0A", "+", "\\+", ",", "\\,", "\"", "\\\"", ";", "\\;", "<", "\\<", ">", "\\>").Replace(a.value)
		lines = append(lines, a.name+"="+value)
	}
	return strings.Join(lines, "\n")
}

// nameObject has an attribute per member, an array where there are several.
func nameObject(js *isolate.JS, raw []byte) goja.Value {
	obj := js.Runtime().NewObject()
	values := map[string][]any{}
	var order []string
	for _, a := range attributes(raw) {
		if values[a.name] == nil {
			order = append(order, a.name)
		}
		values[a.name] = append(values[a.name], a.value)
	}
	for _, name := range order {
		var v any = values[name]
		if len(values[name]) == 1 {
			v = values[name][0]
		}
		_ = obj.DefineDataProperty(name, bind.Value(js, v), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	}
	return obj
}

const timeText = "Jan _2 15:04:05 2006 GMT"

func colons(sum []byte) string {
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":")
}

// escaped quotes what a list of names could be confused by.
func escaped(prefix, value string) string {
	if !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune(`"\,'`, r) }) {
		return prefix + value
	}
	b, err := json.Marshal(prefix + value)
	if err != nil {
		return prefix
	}
	return strings.ReplaceAll(string(b), ",", "\\u002c")
}

var oidAltNames = asn1.ObjectIdentifier{2, 5, 29, 17}

// altNames are the names of the extension, in its order.
func (x *certificate) altNames() []string {
	var list []string
	for _, e := range x.Extensions {
		if !e.Id.Equal(oidAltNames) {
			continue
		}
		var names []asn1.RawValue
		if rest, err := asn1.Unmarshal(e.Value, &names); err != nil || len(rest) > 0 {
			return list
		}
		for _, n := range names {
			if s := altName(n); s != "" {
				list = append(list, s)
			}
		}
	}
	return list
}

// altName is a name of a kind that the fields show; empty for others.
func altName(n asn1.RawValue) string {
	switch {
	case n.Class != asn1.ClassContextSpecific:
	case n.Tag == 1:
		return escaped("email:", string(n.Bytes))
	case n.Tag == 2:
		return escaped("DNS:", string(n.Bytes))
	case n.Tag == 6:
		return escaped("URI:", string(n.Bytes))
	case n.Tag == 7 && len(n.Bytes) == 4:
		return "IP Address:" + net.IP(n.Bytes).String()
	case n.Tag == 7 && len(n.Bytes) == 16:
		groups := make([]string, 8)
		for i := range groups {
			groups[i] = fmt.Sprintf("%X", binary.BigEndian.Uint16(n.Bytes[2*i:]))
		}
		return "IP Address:" + strings.Join(groups, ":")
	}
	return ""
}

var extendedUsages = map[x509.ExtKeyUsage]string{
	x509.ExtKeyUsageServerAuth: "1.3.6.1.5.5.7.3.1", x509.ExtKeyUsageClientAuth: "1.3.6.1.5.5.7.3.2", x509.ExtKeyUsageCodeSigning: "1.3.6.1.5.5.7.3.3",
	x509.ExtKeyUsageEmailProtection: "1.3.6.1.5.5.7.3.4", x509.ExtKeyUsageTimeStamping: "1.3.6.1.5.5.7.3.8", x509.ExtKeyUsageOCSPSigning: "1.3.6.1.5.5.7.3.9", x509.ExtKeyUsageAny: "2.5.29.37.0",
}

// field(name) is one property; undefined where the certificate has none.
func (x *certificate) jsField(c *bind.Call) (any, error) {
	js := c.JS()
	switch c.Arg(0).String() {
	case "subject":
		return nameText(x.RawSubject), nil
	case "issuer":
		return nameText(x.RawIssuer), nil
	case "subjectObject":
		return nameObject(js, x.RawSubject), nil
	case "issuerObject":
		return nameObject(js, x.RawIssuer), nil
	case "subjectAltName":
		if list := x.altNames(); len(list) > 0 {
			return strings.Join(list, ", "), nil
		}
	case "infoAccess":
		var b strings.Builder
		for _, u := range x.OCSPServer {
			b.WriteString("OCSP - " + escaped("URI:", u) + "\n")
		}
		for _, u := range x.IssuingCertificateURL {
			b.WriteString("CA Issuers - " + escaped("URI:", u) + "\n")
		}
		if b.Len() > 0 {
			return b.String(), nil
		}
	case "validFrom":
		return x.NotBefore.UTC().Format(timeText), nil
	case "validTo":
		return x.NotAfter.UTC().Format(timeText), nil
	case "fingerprint":
		sum := sha1.Sum(x.Raw)
		return colons(sum[:]), nil
	case "fingerprint256":
		sum := sha256.Sum256(x.Raw)
		return colons(sum[:]), nil
	case "fingerprint512":
		sum := sha512.Sum512(x.Raw)
		return colons(sum[:]), nil
	case "keyUsage":
		var list []string
		for _, u := range x.ExtKeyUsage {
			list = append(list, extendedUsages[u])
		}
		for _, u := range x.UnknownExtKeyUsage {
			list = append(list, u.String())
		}
		if list != nil {
			return list, nil
		}
	case "serialNumber":
		s := strings.ToUpper(x.SerialNumber.Text(16))
		if len(s)%2 == 1 {
			s = "0" + s
		}
		return s, nil
	case "raw":
		return buffer(js, slices.Clone(x.Raw))
	case "pem":
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: x.Raw})), nil
	case "ca":
		return x.BasicConstraintsValid && x.IsCA, nil
	case "publicKey":
		if crypto.GenericName(x.PublicKey) == "" {
			return nil, errorf("Failed to decode the certificate's public key")
		}
		return crypto.NewGeneric(x.PublicKey).Object(js), nil
	case "pubkey":
		switch k := x.PublicKey.(type) {
		case *rsa.PublicKey:
			return buffer(js, x509.MarshalPKCS1PublicKey(k))
		case *ecdsa.PublicKey:
			b, err := k.Bytes()
			return bufferOf(c, b, err)
		}
	case "modulus":
		if k, ok := x.PublicKey.(*rsa.PublicKey); ok {
			return strings.ToUpper(hex.EncodeToString(k.N.Bytes())), nil
		}
	case "exponent":
		if k, ok := x.PublicKey.(*rsa.PublicKey); ok {
			return "0x" + big.NewInt(int64(k.E)).Text(16), nil
		}
	case "bits":
		switch k := x.PublicKey.(type) {
		case *rsa.PublicKey:
			return k.N.BitLen(), nil
		case *ecdsa.PublicKey:
			return k.Curve.Params().BitSize, nil
		}
	case "asn1Curve":
		if k, ok := x.PublicKey.(*ecdsa.PublicKey); ok {
			for name, curve := range opensslCurves {
				if curve == k.Curve {
					return name, nil
				}
			}
		}
	case "nistCurve":
		if k, ok := x.PublicKey.(*ecdsa.PublicKey); ok {
			return k.Curve.Params().Name, nil
		}
	}
	return nil, nil
}

// subjectValues are the values of one attribute of the subject.
func (x *certificate) subjectValues(name string) (list []string) {
	for _, a := range attributes(x.RawSubject) {
		if a.name == name {
			list = append(list, a.value)
		}
	}
	return list
}

// hostOptions are the options of checkHost.
type hostOptions struct{ always, never, noWildcards, noPartial, multi, single bool }

// checkHost(name, subject, wildcards, partialWildcards, multiLabelWildcards,
// singleLabelSubdomains): the name that matches.
func (x *certificate) jsCheckHost(c *bind.Call) (any, error) {
	name := c.Arg(0).String()
	if strings.ContainsRune(name, 0) || name == "" {
		return nil, errorf("Invalid name")
	}
	no := func(n int) bool { return isSet(c.Arg(n)) && !c.Arg(n).ToBoolean() }
	o := hostOptions{always: c.Arg(1).String() == "always", never: c.Arg(1).String() == "never", noWildcards: no(2), noPartial: no(3), multi: c.Arg(4).ToBoolean(), single: c.Arg(5).ToBoolean()}
	for _, pattern := range x.DNSNames {
		if o.match(pattern, name) {
			return pattern, nil
		}
	}
	if o.never || len(x.DNSNames) > 0 && !o.always {
		return nil, nil
	}
	for _, pattern := range x.subjectValues("CN") {
		if o.match(pattern, name) {
			return pattern, nil
		}
	}
	return nil, nil
}

func (o *hostOptions) match(pattern, name string) bool {
	pattern, name = strings.ToLower(pattern), strings.ToLower(name)
	// A name that begins with a dot stands for all that end in it.
	if strings.HasPrefix(name, ".") {
		rest, ok := strings.CutSuffix(pattern, name)
		return ok && rest != "" && (!o.single || !strings.Contains(rest, "."))
	}
	if pattern == name {
		return true
	}
	label, rest, ok := strings.Cut(pattern, ".")
	star := strings.IndexByte(label, '*')
	if !ok || star < 0 || o.noWildcards || strings.Count(pattern, "*") > 1 || !strings.Contains(rest, ".") || strings.HasPrefix(label, "xn--") {
		return false
	}
	if label != "*" && o.noPartial {
		return false
	}
	head, ok := strings.CutSuffix(name, "."+rest)
	if !ok || head == "" || strings.Contains(head, ".") && !(o.multi && label == "*") {
		return false
	}
	return len(head) >= len(label)-1 && strings.HasPrefix(head, label[:star]) && strings.HasSuffix(head, label[star+1:])
}

// checkEmail(address, subject)
func (x *certificate) jsCheckEmail(c *bind.Call) (any, error) {
	address := c.Arg(0).String()
	if strings.ContainsRune(address, 0) || address == "" {
		return nil, errorf("Invalid name")
	}
	list := slices.Clone(x.EmailAddresses)
	if subject := c.Arg(1).String(); subject != "never" && (len(list) == 0 || subject == "always") {
		list = append(list, x.subjectValues("emailAddress")...)
	}
	local, domain, _ := strings.Cut(address, "@")
	for _, e := range list {
		if l, d, _ := strings.Cut(e, "@"); l == local && strings.EqualFold(d, domain) {
			return address, nil
		}
	}
	return nil, nil
}

func (x *certificate) jsCheckIP(c *bind.Call) (any, error) {
	text := c.Arg(0).String()
	ip := net.ParseIP(text)
	if ip == nil {
		return nil, errorf("Invalid IP")
	}
	if slices.ContainsFunc(x.IPAddresses, ip.Equal) {
		return text, nil
	}
	return nil, nil
}

func certificateArg(c *bind.Call, n int) (*certificate, error) {
	if obj, ok := c.Arg(n).(*goja.Object); ok {
		v, _, _ := bind.ValueOf(c.JS(), obj)
		if x, ok := v.(*certificate); ok {
			return x, nil
		}
	}
	return nil, exception.TypeErrorf("argument %d is no certificate", n)
}

// checkIssued(issuer)
func (x *certificate) jsCheckIssued(c *bind.Call) (any, error) {
	issuer, err := certificateArg(c, 0)
	if err != nil {
		return nil, err
	}
	same := slices.Equal(x.RawIssuer, issuer.RawSubject)
	if same && len(x.AuthorityKeyId) > 0 && len(issuer.SubjectKeyId) > 0 {
		same = slices.Equal(x.AuthorityKeyId, issuer.SubjectKeyId)
	}
	return same && (issuer.KeyUsage == 0 || issuer.KeyUsage&x509.KeyUsageCertSign != 0), nil
}

func (x *certificate) jsCheckPrivateKey(c *bind.Call) (any, error) {
	k, err := key(c, 0)
	if err != nil {
		return nil, err
	}
	return samePublic(x.PublicKey, crypt.PublicOf(k.Material())), nil
}

func samePublic(a, b any) bool {
	p, errP := crypt.MarshalPublic(a, crypt.KeyForm{Type: "spki"})
	q, errQ := crypt.MarshalPublic(b, crypt.KeyForm{Type: "spki"})
	return errP == nil && errQ == nil && slices.Equal(p, q)
}

func (x *certificate) jsVerify(c *bind.Call) (any, error) {
	k, err := key(c, 0)
	if err != nil {
		return nil, err
	}
	signer := x509.Certificate{PublicKey: k.Material()}
	return signer.CheckSignature(x.SignatureAlgorithm, x.RawTBSCertificate, x.Signature) == nil, nil
}
