package keycloak

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"strconv"

	"entree/internal/argon2"
	"entree/internal/domain"
	"entree/internal/secret"
)

// Hasher computes the credential that the realm would make of a password, so that
// the password does not have to be kept until Keycloak answers.
type Hasher struct {
	algorithm  string
	iterations int
	random     io.Reader
	atOnce     chan struct{}
	memory     *argon2.Pool
}

// The defaults of Keycloak 26.7.4: Argon2id and PBKDF2 as in the OWASP Password
// Storage Cheat Sheet. Memory is in KiB, lengths are in bytes.
const (
	argonIterations = 5
	argonMemory     = 7168
	argonLanes      = 1
	argonLength     = 32
	saltLength      = 16
)

type pbkdf struct {
	hash       func() hash.Hash
	iterations int
	length     int // bytes
}

var pbkdfs = map[string]pbkdf{
	"pbkdf2":        {sha1.New, 1_300_000, 64},
	"pbkdf2-sha256": {sha256.New, 600_000, 32},
	"pbkdf2-sha512": {sha512.New, 210_000, 64},
}

// leastIterations returns the number of iterations below which OWASP's Password
// Storage Cheat Sheet does not go, with the memory of the algorithm's parameters
// here.
func leastIterations(algorithm string) int {
	if p, ok := pbkdfs[algorithm]; ok {
		return p.iterations
	}
	return argonIterations
}

// weakHash reports whether a policy hashes with fewer iterations than least.
func weakHash(algorithm string, iterations int) (least int, weak bool) {
	least = leastIterations(algorithm)
	return least, iterations > 0 && iterations < least
}

// NewHasher returns a hasher for the values of Keycloak's policy terms
// hashAlgorithm and hashIterations (0: the default of the algorithm). If
// iterations is below OWASP's minimum, it hashes with the minimum. It returns an
// error for an unknown algorithm. At most atOnce hashes run at the same time: each
// takes about 10 to 20 ms of one core and, with Argon2id, 7 MiB.
func NewHasher(algorithm string, iterations, atOnce int, random io.Reader) (*Hasher, error) {
	if algorithm == "" {
		algorithm = "argon2"
	}
	_, known := pbkdfs[algorithm]
	if algorithm != "argon2" && !known {
		return nil, fmt.Errorf("keycloak: hash algorithm %q is not supported", algorithm)
	}
	iterations = max(iterations, leastIterations(algorithm))
	atOnce = max(1, atOnce)
	return &Hasher{algorithm, iterations, random, make(chan struct{}, atOnce), argon2.NewPool(atOnce)}, nil
}

// Is reports whether NewHasher returns an equal hasher for these terms.
func (h *Hasher) Is(algorithm string, iterations int) bool {
	other, err := NewHasher(algorithm, iterations, 1, nil)
	return err == nil && other.algorithm == h.algorithm && other.iterations == h.iterations
}

// Hash returns the credential of a password. It returns an error if ctx ends
// before one of the hashes at once is free.
func (h *Hasher) Hash(ctx context.Context, password secret.Text) (domain.Credential, error) {
	select {
	case h.atOnce <- struct{}{}:
		defer func() { <-h.atOnce }()
	case <-ctx.Done():
		return domain.Credential{}, ctx.Err()
	}
	salt := make([]byte, saltLength)
	if _, err := io.ReadFull(h.random, salt); err != nil {
		return domain.Credential{}, fmt.Errorf("draw a salt: %w", err)
	}
	plain := password.Reveal() // as typed: Keycloak hashes the bytes that its login page receives
	parameters := map[string][]string{}
	var sum []byte
	if p, ok := pbkdfs[h.algorithm]; ok {
		var err error
		if sum, err = pbkdf2.Key(p.hash, plain, salt, h.iterations, p.length); err != nil {
			return domain.Credential{}, err
		}
	} else {
		sum = h.memory.IDKey([]byte(plain), salt, uint32(h.iterations), argonMemory, argonLanes, argonLength)
		parameters = map[string][]string{
			"hashLength": {strconv.Itoa(argonLength)}, "memory": {strconv.Itoa(argonMemory)}, "type": {"id"}, "version": {"1.3"}, "parallelism": {strconv.Itoa(argonLanes)},
		}
	}
	data, err := json.Marshal(map[string]any{"hashIterations": h.iterations, "algorithm": h.algorithm, "additionalParameters": parameters})
	if err != nil {
		return domain.Credential{}, err
	}
	hidden, err := json.Marshal(map[string]any{
		"value": base64.StdEncoding.EncodeToString(sum), "salt": base64.StdEncoding.EncodeToString(salt), "additionalParameters": map[string]any{},
	})
	return domain.Credential{Data: string(data), Secret: string(hidden)}, err
}
