package secret_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entree/internal/secret"
)

const planted = "LesTicketsDeBus"

func TestI4_NoFormatterPrintsAText(t *testing.T) {
	text := secret.New(planted)
	inside := struct{ Password secret.Text }{text}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T|%v"} {
		fmt.Fprintf(&out, verb+"\n", text, text)
		fmt.Fprintf(&out, verb+"\n", inside, &inside)
	}
	fmt.Fprintln(&out, fmt.Errorf("wrapped: %w, %v", errors.New("x"), text), []secret.Text{text}, map[string]secret.Text{"k": text})
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "password", text, "inside", inside)
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "password", text, "inside", inside)
	if err := json.NewEncoder(&out).Encode(inside); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(&out, recovered(func() { panic(text) }))

	got := out.String()
	hex := fmt.Sprintf("%x", planted)
	for _, leak := range []string{planted, hex, strings.ToUpper(hex)} {
		if strings.Contains(got, leak) {
			t.Errorf("the secret shows in:\n%s", got)
		}
	}
	if text.Reveal() != planted {
		t.Error("Reveal gives something else")
	}
}

func TestI4_NoFormatterPrintsAKeyring(t *testing.T) {
	ring := keys(t, strings.Repeat("2a", 32))
	out := fmt.Sprintf("%v %+v %#v %x", ring, struct{ Keys secret.Keyring }{ring}, ring, ring)
	if strings.Contains(out, "42 42") || strings.Contains(out, "2a2a") || strings.Contains(out, "0x2a") {
		t.Errorf("the keys show: %s", out)
	}
}

func recovered(f func()) (said string) {
	defer func() { said = fmt.Sprint(recover()) }()
	f()
	return
}

func TestKeyring_RotationOpensOldAndSealsNew(t *testing.T) {
	first, second := secret.GenerateKey(), secret.GenerateKey()
	old := keys(t, first.Reveal())
	rotated := keys(t, second.Reveal()+","+first.Reveal())
	onlyNew := keys(t, second.Reveal())

	box, err := old.Seal(secret.UseJob, "job-1", []byte(planted))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := rotated.Open(secret.UseJob, "job-1", box); err != nil || string(plain) != planted {
		t.Errorf("the rotated ring reads %q, %v", plain, err)
	}
	if _, err := onlyNew.Open(secret.UseJob, "job-1", box); !errors.Is(err, secret.ErrOpen) {
		t.Errorf("a removed key still opens: %v", err)
	}
	if !rotated.Verify(secret.UseCode, old.MAC(secret.UseCode, "a", "b"), "a", "b") {
		t.Error("the rotated ring refuses an old MAC")
	}
	if !onlyNew.Verify(secret.UseCode, rotated.MAC(secret.UseCode, "a"), "a") {
		t.Error("the first key does not sign")
	}
}

func TestKeyring_ABoxFitsOneUseAndOneContext(t *testing.T) {
	ring := keys(t, secret.GenerateKey().Reveal())
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		box, err := ring.Seal(secret.UseJob, "job-1", plain)
		if err != nil {
			t.Fatal(err)
		}
		flip := rapid.IntRange(0, len(box)*8-1).Draw(t, "bit")
		bad := bytes.Clone(box)
		bad[flip/8] ^= 1 << (flip % 8)
		for name, err := range map[string]error{
			"another use":     openErr(ring, secret.UseSession, "job-1", box),
			"another context": openErr(ring, secret.UseJob, "job-2", box),
			"a flipped bit":   openErr(ring, secret.UseJob, "job-1", bad),
			"cut short":       openErr(ring, secret.UseJob, "job-1", box[:len(box)/2]),
		} {
			if !errors.Is(err, secret.ErrOpen) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got, err := ring.Open(secret.UseJob, "job-1", box); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("got %x, %v", got, err)
		}
	})
}

func TestKeyring_PartsOfAMACCannotSlide(t *testing.T) {
	ring := keys(t, secret.GenerateKey().Reveal())
	if ring.Verify(secret.UseCode, ring.MAC(secret.UseCode, "ab", "c"), "a", "bc") {
		t.Error(`("ab","c") and ("a","bc") have one MAC`)
	}
	if ring.Verify(secret.UseForm, ring.MAC(secret.UseCode, "a"), "a") {
		t.Error("two uses share a key")
	}
}

func TestParseKeys(t *testing.T) {
	hex64 := strings.Repeat("0f", 32)
	for _, c := range []struct {
		name, text string
		ok         bool
	}{
		{"hexadecimal", hex64, true},
		{"base64", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", true},
		{"two, on two lines", hex64 + "\n" + strings.Repeat("aa", 32) + "\n", true},
		{"none", " \n", false},
		{"too short", "0f0f", false},
		{"a good one and a bad one", hex64 + ",abc", false},
	} {
		if _, err := secret.ParseKeys(secret.New(c.text)); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		} else if err != nil && strings.Contains(err.Error(), "0f0f") {
			t.Errorf("%s: the error shows the key: %v", c.name, err)
		}
	}
}

func keys(t *testing.T, text string) secret.Keyring {
	t.Helper()
	k, err := secret.ParseKeys(secret.New(text))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func openErr(k secret.Keyring, use secret.Use, context string, box []byte) error {
	_, err := k.Open(use, context, box)
	return err
}
