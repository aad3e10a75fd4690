package e2e

import (
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"entree/internal/devenv/mailbox"
	"entree/internal/domain"
	"entree/internal/mail"
	"entree/internal/mail/mailtest"
	"entree/internal/secret"
)

// TestPicturesOfMails takes a picture of each mail as a telephone shows it, and combines
// those of a language: docs/images/mails-fr.png and mails-en.png.
func TestPicturesOfMails(t *testing.T) {
	if pictures == "" {
		return // only `make screenshots` needs them
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	box, err := mailbox.Start(mailbox.Options{SMTP: "127.0.0.1:0", HTTP: "127.0.0.1:0"})
	must(err)
	defer box.Close()
	host, port, err := net.SplitHostPort(box.SMTPAddr())
	must(err)
	number, err := strconv.Atoi(port)
	must(err)
	keys, err := secret.ParseKeys(secret.GenerateKey())
	must(err)
	paris, err := time.LoadLocation("Europe/Paris")
	must(err)
	mailer, err := mail.New(mail.Options{
		Host: host, Port: number, TLS: mail.TLSNone, From: "Université d'Exemple <ne-pas-repondre@example.org>", Keys: keys, ReturnPath: "rebonds@example.org",
		Institution: mail.Institution{Name: "Université d'Exemple", Accent: "#0b5d4e", HelpURL: "https://aide.example.org", HelpEmail: "aide@example.org"},
		BaseURL:     "https://mon-compte.example.org", Zone: paris, Clock: func() time.Time { return mailtest.Asked },
		Profiles: []domain.Profile{{Key: "etudiant", Names: map[domain.Lang]string{"fr": "Étudiant", "en": "Student"}}, {Key: "personnel", Names: map[domain.Lang]string{"fr": "Personnel", "en": "Staff"}}},
	})
	must(err)
	for _, lang := range []domain.Lang{domain.French, domain.English} {
		var all []image.Image
		for i, kind := range mailtest.Kinds() {
			before := len(box.Messages(""))
			must(mailer.Send(t.Context(), mailtest.Message(kind, lang)))
			got, err := box.Wait(t.Context(), "", before+1)
			must(err)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				_, _ = w.Write([]byte(got.HTML))
			}))
			b := open(t, server.URL, phone)
			b.visit("/")
			file := filepath.Join(pictures, fmt.Sprintf("mail-%s-%02d-%s.png", lang, i+1, kind))
			b.shot(file)
			server.Close()
			f, err := os.Open(file)
			must(err)
			picture, err := png.Decode(f)
			must(err)
			must(f.Close())
			all = append(all, picture)
		}
		must(savePNG(filepath.Join(pictures, "mails-"+string(lang)+".png"), columns(all, 5)))
	}
}

// columns puts pictures of one width into n columns, each below the shortest column.
func columns(all []image.Image, n int) image.Image {
	const gap = 16
	width, ends := all[0].Bounds().Dx(), make([]int, n)
	at := make([]image.Point, len(all))
	height := 0
	for i, p := range all {
		shortest := 0
		for c := range ends {
			if ends[c] < ends[shortest] {
				shortest = c
			}
		}
		at[i] = image.Pt(gap+shortest*(width+gap), gap+ends[shortest])
		ends[shortest] += p.Bounds().Dy() + gap
		height = max(height, ends[shortest])
	}
	sheet := image.NewRGBA(image.Rect(0, 0, n*(width+gap)+gap, height+gap))
	draw.Draw(sheet, sheet.Bounds(), image.NewUniform(lightGround), image.Point{}, draw.Src)
	for i, p := range all {
		draw.Draw(sheet, image.Rectangle{at[i], at[i].Add(p.Bounds().Size())}, p, p.Bounds().Min, draw.Src)
	}
	return sheet
}
