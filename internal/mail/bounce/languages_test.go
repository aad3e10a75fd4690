package bounce_test

import (
	"strings"
	"testing"

	"entree/internal/mail/bounce"
)

// Notices for people in six languages, also about senders, delays and absences.
func TestB6_NoticesInSixLanguages(t *testing.T) {
	const daemon, to = "MAILER-DAEMON@mx.other.example", "jp.martin@example.net"
	const W, R, N = bounce.Wrong, bounce.Returned, bounce.None
	for _, c := range []struct {
		from, subject, text string
		want                bounce.Outcome
	}{
		// French
		{daemon, "Message non distribuable", "Votre message n'a pu être distribué à " + to + " : aucun abonné ne correspond à cette adresse.", W},
		{daemon, "Non-distribution", "Le destinataire " + to + " ne fait plus partie de notre établissement. Message non remis.", W},
		{daemon, "Echec de la remise", "Impossible de remettre le message à " + to + " : l'espace de stockage du destinataire est épuisé.", R},
		{daemon, "Retour à l'expéditeur", "Votre courriel adressé à " + to + " nous est retourné : boîte inexistante.", W},
		{daemon, "Courrier refusé", "Votre courrier à " + to + " n'a pas été accepté : trop de messages envoyés depuis votre serveur.", R},
		{daemon, "Courrier non délivré", "Le courrier n'a pas pu être délivré à " + to + " car le domaine n'existe pas.", W},
		{daemon, "Notification d'échec", "La remise à ces destinataires ou groupes a échoué :\n\n" + to + "\nLe message est resté en file d'attente trop longtemps, le serveur de destination n'a pas répondu.", R},
		{daemon, "Notification d'échec", "La remise à ces destinataires ou groupes a échoué :\n\n" + to + "\nL'adresse de courriel que vous avez entrée est introuvable. Vérifiez l'adresse du destinataire.", W},
		{daemon, "Rejet", "Votre message pour " + to + " a été rejeté : taille du message supérieure à la limite autorisée.", R},
		{daemon, "Échec", "Votre message à " + to + " n'a pas été remis. Compte suspendu pour impayé.", R},
		{daemon, "Échec", "Votre message à " + to + " n'a pas été remis : compte résilié.", W},
		{daemon, "Distribution différée", "Votre message à " + to + " n'a toujours pas été remis ; nous réessayons pendant 3 jours.", N},
		{"JP <" + to + ">", "Absence du bureau : Votre code", "Je ne travaille plus ici, veuillez écrire à contact@example.net.", N},
		{"JP <" + to + ">", "Accusé de réception : Votre code", "Votre message a été lu le 1/9/2026.", N},
		// English
		{"Mail Delivery System <" + daemon + ">", "Mail delivery failed: returning message to sender", "A message that you sent could not be delivered to one or more of its recipients. This is a permanent error.\n\n  " + to + "\n    host mx.example.net [192.0.2.4]\n    SMTP error from remote mail server after RCPT TO:<" + to + ">:\n    550 5.1.1 <" + to + ">: Email address could not be found, or was misspelled (G8)", W},
		{daemon, "Undeliverable: Votre code", "Delivery has failed to these recipients or groups:\n\n" + to + "\nThe email address you entered couldn't be found.", W},
		{daemon, "Undeliverable: Votre code", "Your message to " + to + " couldn't be delivered.\n\nexample.net suspects your message is spam and rejected it.", R},
		{daemon, "Undeliverable: Votre code", "Your message to " + to + " couldn't be delivered.\n\nThe group only accepts messages from people in its organization.", R},
		{daemon, "Undeliverable: Votre code", "Your message to " + to + " couldn't be delivered.\n\njp.martin's mailbox is full and can't accept messages now.", R},
		{daemon, "failure notice", "Hi. This is the qmail-send program at example.net.\n\n<" + to + ">:\nSorry, I wasn't able to establish an SMTP connection. (#4.4.1)\nI'm not going to try again; this message has been in the queue too long.", R},
		{daemon, "failure notice", "Hi. This is the qmail-send program.\n\n<" + to + ">:\nSorry, no mailbox here by that name. vpopmail (#5.1.1)", W},
		{daemon, "Returned mail: see transcript for details", "   ----- The following addresses had permanent fatal errors -----\n<" + to + ">\n    (reason: 553 5.3.0 <" + to + ">... Sorry, that address is on my bad list)", R},
		{daemon, "Returned mail: Host unknown", "   ----- The following addresses had permanent fatal errors -----\n<" + to + ">\n\n   ----- Transcript of session follows -----\n550 5.1.2 <" + to + ">... Host unknown (Name server: example.net.: host not found)", W},
		{daemon, "Returned mail: Deferred", "   ----- The following addresses had permanent fatal errors -----\n<" + to + ">\n\n   ----- Transcript of session follows -----\n<" + to + ">... Deferred: Connection timed out with mx.example.net.\nMessage could not be delivered for 5 days\nMessage will be deleted from queue", R},
		{daemon, "Warning: could not send message for past 4 hours", "    **********************************************\n    **      THIS IS A WARNING MESSAGE ONLY      **\n    **  YOU DO NOT NEED TO RESEND YOUR MESSAGE  **\n\n<" + to + ">... Deferred", N},
		{daemon, "Delivery Notification: Delivery has failed", "Recipient address: " + to + "\nReason: Server rejected recipient address\nDiagnostic code: smtp;550 Mailbox no longer exists", W},
		{"Yahoo <MAILER-DAEMON@yahoo.com>", "Failure Notice", "Sorry, we were unable to deliver your message to the following address.\n\n<" + to + ">:\n554: 5.7.9: Message not accepted for policy reasons.", R},
		{daemon, "Delivery failed", "Your message wasn't delivered to " + to + " because the address couldn't be found, or is unable to receive mail.", W},
		{daemon, "Message rejected", "The message to " + to + " was rejected. Reason: sender IP reverse lookup rejected", R},
		{"JP <" + to + ">", "Automatic reply: Votre code", "I no longer work at Example Ltd; my mailbox is not monitored and will be deleted.", N},
		// German
		{daemon, "Unzustellbar: Votre code", "Ihre Nachricht an " + to + " konnte nicht zugestellt werden.\n\nDie eingegebene E-Mail-Adresse konnte nicht gefunden werden.", W},
		{daemon, "Unzustellbar: Votre code", "Ihre Nachricht an " + to + " konnte nicht zugestellt werden.\n\nDas Postfach des Empfängers ist voll.", R},
		{daemon, "Nicht zustellbar", "Die E-Mail an " + to + " konnte nicht zugestellt werden: Empfänger unbekannt.", W},
		{daemon, "Nicht zustellbar", "Die E-Mail an " + to + " konnte nicht zugestellt werden: Diese Adresse existiert nicht (mehr).", W},
		{daemon, "Zustellung verzögert", "Die Zustellung an " + to + " verzögert sich. Es werden weitere Zustellversuche unternommen.", N},
		{daemon, "E-Mail abgelehnt", "Ihre Nachricht an " + to + " wurde wegen Spamverdachts abgelehnt und nicht zugestellt.", R},
		{daemon, "Zustellung fehlgeschlagen", "Zustellung an " + to + " fehlgeschlagen: Das Konto wurde gelöscht.", W},
		{"JP <" + to + ">", "Abwesenheitsnotiz: Votre code", "Ich bin nicht im Büro. Ihre Nachricht wird nicht zugestellt.", N},
		{"JP <" + to + ">", "Automatische Antwort: Votre code", "Ich bin bis 1.9. nicht erreichbar.", N},
		// Spanish
		{daemon, "No se puede entregar: Votre code", "No se pudo entregar su mensaje a " + to + ".\n\nNo se encontró jp.martin en example.net.", W},
		{daemon, "No entregado", "Su mensaje a " + to + " no se ha podido entregar: la dirección no existe.", W},
		{daemon, "No entregado", "Su mensaje a " + to + " no se ha podido entregar: el buzón está lleno.", R},
		{daemon, "No entregado", "Su mensaje a " + to + " no pudo ser entregado: usuario desconocido.", W},
		{daemon, "Mensaje rechazado", "Su mensaje a " + to + " fue rechazado por ser considerado spam.", R},
		{daemon, "Entrega retrasada", "La entrega de su mensaje a " + to + " se ha retrasado. Se seguirá intentando.", N},
		{daemon, "Cuenta cancelada", "No se ha podido entregar el mensaje a " + to + ": la cuenta ha sido cancelada.", W},
		{"JP <" + to + ">", "Respuesta automática: Votre code", "Estoy fuera de la oficina.", N},
		{"JP <" + to + ">", "Fuera de la oficina: Votre code", "No se ha podido leer su mensaje.", N},
		// About the sender, in words like those about a recipient
		{daemon, "Message refusé", "Votre message à " + to + " n'a pas été remis : l'adresse de l'expéditeur n'existe pas.", R},
		{daemon, "Unzustellbar", "Ihre Nachricht an " + to + " konnte nicht zugestellt werden: Die Absenderadresse existiert nicht.", R},
		{daemon, "No entregado", "Su mensaje a " + to + " no se ha podido entregar: el dominio del remitente no existe.", R},
		// Italian, Portuguese
		{daemon, "Mancato recapito", "Impossibile recapitare il messaggio a " + to + ": utente sconosciuto.", W},
		{daemon, "Mensagem não entregue", "Não foi possível entregar sua mensagem a " + to + ": o endereço não existe.", W},
		{daemon, "Mensagem não entregue", "Não foi possível entregar sua mensagem a " + to + ": a caixa de correio está cheia.", R},
	} {
		raw := notice(c.from, c.subject, c.text)
		got := bounce.Parse([]byte(raw), bounce.DefaultRules())
		if got.Outcome() != c.want {
			t.Errorf("%s | %s: %s, want %s (%+v)", c.subject, strings.ReplaceAll(c.text, "\n", " "), got.Outcome(), c.want, got.Failures)
		}
	}
}

// Replies in reports, as the mail systems of providers write them.
func TestB4_FurtherReplies(t *testing.T) {
	const W, R = bounce.Wrong, bounce.Returned
	for _, c := range []struct {
		status, diag string
		want         bounce.Outcome
	}{
		{"5.1.1", "550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking the recipient's email address for typos or unnecessary spaces. For more information, go to https://support.google.com/mail/?p=NoSuchUser", W},
		{"5.2.1", "550 5.2.1 The email account that you tried to reach is inactive. https://support.google.com/mail/?p=DisabledUser", R},
		{"5.7.1", "550-5.7.1 [192.0.2.1] The IP you're using to send mail is not authorized to send email directly to our servers. Please use the SMTP relay at your service provider instead.", R},
		{"4.2.2", "452-4.2.2 The recipient's inbox is out of storage space. Please direct the recipient to https://support.google.com/mail/?p=OverQuotaTemp", R},
		{"5.7.515", "550 5.7.515 Access denied, sending domain UNIV.EXAMPLE does not meet the required authentication level", R},
		{"5.4.1", "550 5.4.1 Recipient address rejected: Access denied. [AM6EUR05FT004.eop-eur05.prod.protection.outlook.com]", W},
		{"5.0.0", "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).", W},
		{"5.1.0", "550 #5.1.0 Address rejected.", W},
		{"5.5.0", "550 5.5.0 OFR_999 [999] Mail refuse. https://postmaster.orange.fr", R},
		{"5.7.1", "554 5.7.1 OFR_505 [505] Message classe spam", R},
		{"4.7.1", "450 4.7.1 <jp.martin@example.net>: Recipient address rejected: Policy Rejection- Please try later.", R},
		{"5.3.0", "553 5.3.0 <jp.martin@example.net>... No such user here", W},
		{"5.2.1", "550 5.2.1 Mailbox disabled for this recipient", R},
		{"5.2.1", "554 5.2.1 This account has been closed", W},
		{"5.0.0", "550 Boite aux lettres inexistante", W},
		{"5.0.0", "550 Destinataire inexistant", W},
		{"5.0.0", "551 Utilisateur non local", W},
		{"5.0.0", "550 Compte inactif", R},
		{"5.1.1", "550 5.1.1 Empfaengeradresse unbekannt", W},
		{"5.0.0", "550 Buzon inexistente", W},
		{"5.0.0", "550 Usuario inexistente", W},
		{"5.0.0", "550 Benutzer existiert nicht", W},
		{"5.7.1", "550 5.7.1 Sendungsverbot: IP auf Sperrliste", R},
		{"5.0.0", "550 Sender domain must exist", R},
		{"5.0.0", "554 delivery error: dd This user doesn't have a yahoo.fr account (jp.martin@yahoo.fr) [0] - mta1234.mail.ir2.yahoo.com", W},
		{"5.0.0", "553 5.3.5 system config error", R},
		{"5.4.4", "Unable to look up DNS for example.net", R},
		{"5.4.4", "DNS Error: DNS type 'mx' lookup of exemple.nte responded with code NXDOMAIN", W},
		{"5.1.2", "Host or domain name not found. Name service error for name=gmial.cm type=A: Host not found", W},
		{"4.4.3", "Host or domain name not found. Name service error for name=example.net type=MX: Host not found, try again", R},
		{"5.4.6", "mail for example.net loops back to myself", R},
		{"5.1.8", "550 5.1.8 <ne-pas-repondre@example.org>: Sender address rejected: Domain not found", R},
		{"5.5.1", "503 5.5.1 Error: need RCPT command", R},
		{"5.1.1", "550 5.1.1 unknown or illegal alias: jp.martin@example.net", W},
		{"5.1.1", "550 5.1.1 <jp.martin@example.net>: Recipient address rejected: undeliverable address: host mx[192.0.2.9] said: 452 4.2.2 Over quota", R},
		{"5.7.0", "550 5.7.0 Recipient does not accept mail from unauthenticated senders", R},
	} {
		if b := judged(t, c.diag, dsn(c.status, c.diag)); b.Outcome != c.want {
			t.Errorf("DSN %s: %s, want %s (%+v)", c.diag, b.Outcome, c.want, b)
		}
	}
}
