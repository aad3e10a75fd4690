package sms_test

import (
	"strings"
	"testing"

	"entree/internal/devenv/localsmsc"
	"entree/internal/secret"
	"entree/internal/sms"
	"entree/internal/sms/smstest"
)

func TestTheFakeCentreKeepsTheContract(t *testing.T) {
	fake, err := smstest.StartFake()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Stop)
	smstest.Contract(t, fake.Address(), fake)
}

func TestASimulatedSMSCKeepsTheContract(t *testing.T) {
	centre, err := localsmsc.Start(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(centre.Stop)
	smstest.Contract(t, centre.Address, centre)
}

func TestACentreThatIsAwayIsNotReady(t *testing.T) {
	fake, err := smstest.StartFake()
	if err != nil {
		t.Fatal(err)
	}
	client, err := sms.NewSMPP(sms.SMPP{Address: fake.Address(), SystemID: localsmsc.SystemID, Password: secret.New(localsmsc.Password)})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	fake.Stop()
	if client.Ready(t.Context()) == nil {
		t.Error("a stopped centre is ready")
	}
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	if client.Ready(t.Context()) == nil {
		t.Error("a closed client is ready")
	}
}

func TestWrongSettingsOfACentreAreNamed(t *testing.T) {
	good := sms.SMPP{Address: "10.0.0.5:2775", SystemID: "portal", Password: secret.New("secret")}
	if _, err := sms.NewSMPP(good); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*sms.SMPP){
		"host:port":   func(s *sms.SMPP) { s.Address = "smsc" },
		"tls":         func(s *sms.SMPP) { s.Address = "smsc.operator.example:2775" },
		"system_id":   func(s *sms.SMPP) { s.SystemID = strings.Repeat("x", 16) },
		"password":    func(s *sms.SMPP) { s.Password = secret.New("ninechars") },
		"system_type": func(s *sms.SMPP) { s.SystemType = "thirteenchars" },
	} {
		s := good
		change(&s)
		if _, err := sms.NewSMPP(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
