package domain

// Passkey is a passkey that a device registered, without its secret, which never
// leaves the device (WebAuthn level 3, section 4).
type Passkey struct {
	Label      string // shown to the student: "Téléphone", unique in an account
	Model      string // AAGUID of the authenticator, as a UUID; zeros if it does not tell
	ID         []byte
	PublicKey  []byte // a COSE key (RFC 9052)
	Counter    uint32
	Transports []string
}
