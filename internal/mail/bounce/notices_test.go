package bounce_test

import (
	"strings"
	"testing"

	"entree/internal/mail/bounce"
)

// notice returns a mail without report fields about a mail of ours to jp.
func notice(from, subject, text string) string {
	return "Return-Path: <>\r\nFrom: " + from + "\r\nTo: rebonds@example.org\r\nSubject: " + subject +
		"\r\nIn-Reply-To: <" + ours + ">\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" +
		strings.ReplaceAll(text, "\n", "\r\n") + "\r\n"
}

// Notices that mail systems write for people, in French above all.
func TestB6_NoticesForPeople(t *testing.T) {
	const daemon, to = "MAILER-DAEMON@mx.other.example", "jp.martin@example.net"
	for _, c := range []struct {
		from, subject, text string
		want                bounce.Outcome
	}{
		{daemon, "Delivery Status Notification (Failure)", "** Adresse introuvable **\n\nVotre message n'est pas parvenu à " + to + ", car l'adresse est introuvable ou ne peut pas recevoir de messages.", bounce.Wrong},
		{daemon, "Delivery Status Notification (Failure)", "** Message bloqué **\n\nVotre message à " + to + " a été bloqué.\n\n550 5.7.1 blocked", bounce.Returned},
		{daemon, "Delivery Status Notification (Delay)", "** Remise incomplète **\n\nUn problème est survenu lors de la remise de votre message à " + to + ". La remise a échoué pour le moment ; Gmail essaiera encore pendant 47 heures. Vous serez averti en cas d'échec définitif.", bounce.None},
		{"Outlook <postmaster@univ.onmicrosoft.com>", "Non remis : Votre code", "Impossible de remettre votre message à " + to + ".\n\njp.martin est introuvable à example.net.\n\nAdresse de destination inconnue", bounce.Wrong},
		{"Outlook <postmaster@univ.onmicrosoft.com>", "Non remis : Votre code", "Impossible de remettre votre message à " + to + ".\n\nLa boîte aux lettres est pleine et ne peut pas accepter de messages.", bounce.Returned},
		{"Outlook <postmaster@univ.onmicrosoft.com>", "Remise retardée : Votre code", "La remise est retardée pour " + to + ".\n\nLe serveur continuera d'essayer ; la remise a échoué jusqu'ici.", bounce.None},
		{"postmaster@asso.example", "Message rejeté", "Votre message à destination de " + to + " a été rejeté car il est considéré comme un pourriel.", bounce.Returned},
		{"postmaster@lycee.example", "Echec de remise", "La remise de votre message à " + to + " a été refusée par le serveur distant : adresse IP en liste noire", bounce.Returned},
		{"postmaster@lycee.example", "Echec de remise", "Votre message n'a pas pu être remis à " + to + " : le compte que vous tentez de joindre n'existe plus", bounce.Wrong},
		{"postmaster@corp.example", "Email blocked", "Your email to " + to + " was blocked by the email security policy.", bounce.Returned},
		{"Barracuda <postmaster@corp.example>", "**Message you sent blocked by our bulk email filter**", "Your message to: " + to + "\nwas blocked by our Spam Firewall. The email you sent has NOT BEEN DELIVERED:", bounce.Returned},
		{"Mail Administrator <Postmaster@old.example>", "Mail System Error - Returned Mail", "This Message was undeliverable due to the following reason:\n\nThe following destination addresses were unknown:\n\nSMTP <" + to + ">", bounce.Wrong},
		{"MAILER-DAEMON@mail.example", "Недоставленное сообщение", "Ваше письмо не может быть отправлено адресату.\n\n<" + to + ">: 550 5.1.1 Пользователь не найден", bounce.Wrong},
		{"MAILER-DAEMON@bbox.fr", "Mail non distribué", "Votre mail n'a pu être remis à " + to + ".\nCause : La messagerie de votre correspondant est saturée.", bounce.Returned},
		{"postmaster@laposte.net", "Avis de non-remise", "Votre message n'a pas pu être délivré aux destinataires suivants car leur adresse n'est pas valide :\n\n" + to, bounce.Wrong},
		{"postmaster@ovh.example", "Echec de livraison", "Votre message n'a pas pu être livré à " + to + ", cette adresse n'existe pas sur nos serveurs.", bounce.Wrong},
		{"postmaster@ovh.example", "Echec de livraison", "Votre message n'a pas pu être livré à " + to + " : l'adresse de l'expéditeur n'est pas valide.", bounce.Returned},
		// No delivery failed.
		{daemon, "Avertissement : message non remis depuis 4 heures", "AVERTISSEMENT SEULEMENT. Il n'est pas nécessaire de renvoyer le message à " + to + ", non remis pour l'instant.", bounce.None},
		{"JP <" + to + ">", "=?utf-8?Q?R=C3=A9ponse_automatique_:_Votre_code?=", "Je suis en congé. Votre message n'a pas pu être remis à un collègue.", bounce.None},
		{"JP <" + to + ">", "Out of Office: Votre code", "I am away. Mails that could not be delivered go to nobody.", bounce.None},
		{"noreply@dmarc.example", "Report domain: example.org Submitter: dmarc.example", "Aggregate report: failed delivery by policy reject.", bounce.None},
		{"postmaster@asso.example", "Message en attente", "Votre message à " + to + " n'a pas encore pu être remis. De nouvelles tentatives auront lieu.", bounce.None},
	} {
		raw := notice(c.from, c.subject, c.text)
		if got := bounce.Parse([]byte(raw), bounce.DefaultRules()); got.Outcome() != c.want {
			t.Errorf("%s: %s, want %s (%+v)", c.text, got.Outcome(), c.want, got.Failures)
		}
		if told := look(t, pile{[]byte(raw)}); len(told) != map[bool]int{true: 0, false: 1}[c.want == bounce.None] {
			t.Errorf("%s: told %+v", c.text, told)
		}
	}
}

// A gateway that does not know the type of a report forwards it as an attachment.
func TestB5_AReportWhoseTypeWasLost(t *testing.T) {
	raw := dsn("5.1.1", "550 5.1.1 User unknown", "message/delivery-status\r\n\r\n", "application/octet-stream; name=\"details.txt\"\r\n\r\n")
	if b := judged(t, "octet-stream", raw); b.Outcome != bounce.Wrong || b.Status != "5.1.1" {
		t.Errorf("%+v", b)
	}
}

// Links with addresses in a page are no addresses by themselves, and leave the words
// around them.
func TestB6_APageAsNotice(t *testing.T) {
	raw := strings.Replace(notice("Outlook <postmaster@lycee.onmicrosoft.com>", "Non remis : Votre code",
		"<html><table><tr><td>Votre message à <a href='mailto:jp.martin@example.net'>jp.martin@example.net</a> n&#39;a pas pu &ecirc;tre remis.</td></tr><tr><td>jp.martin est introuvable &agrave; example.net.</td></tr></table></html>"),
		"text/plain", "text/html", 1)
	got := bounce.Parse([]byte(raw), bounce.DefaultRules())
	if got.Outcome() != bounce.Wrong || strings.Contains(got.Failures[0].Diagnostic, "<a") {
		t.Errorf("%+v", got.Failures)
	}
}
