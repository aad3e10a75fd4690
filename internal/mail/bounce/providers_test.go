package bounce

import "testing"

// TestB4_RepliesOfProviders: replies as the mail systems of providers write them.
func TestB4_RepliesOfProviders(t *testing.T) {
	for _, c := range []struct {
		to, reply string
		outcome   Outcome
		reason    Reason
	}{
		{"a@corp.example", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found", Wrong, Unknown},
		{"a@corp.example", "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required; Delivery restriction check failed", Returned, Auth},
		{"a@corp.example", "554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded", Returned, Full},
		{"a@corp.example", "550 5.7.606 Access denied, banned sending IP [192.0.2.7]", Returned, ""},
		{"a@corp.example", "550 5.1.351 Remote server returned unknown recipient or mailbox unavailable", Wrong, Unknown},
		{"a@hotmail.fr", "552 5.2.2 Mailbox full (S2017062303)", Returned, Full},
		{"a@outlook.com", "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent, since part of their network is on our block list (S3140).", Returned, Blocklist},
		{"a@gmail.com", "550-5.7.26 Your email has been blocked because the sender is unauthenticated.", Returned, Auth},
		{"a@gmail.com", "552-5.2.2 The recipient's inbox is out of storage space.", Returned, Full},
		{"a@yahoo.fr", "552 1 Requested mail action aborted, mailbox not found", Wrong, Unknown},
		{"a@yahoo.fr", "554 30 Sorry, your message cannot be delivered. This mailbox is disabled (554.30).", Returned, Suspended},
		{"a@yahoo.fr", "554 5.7.9 Message not accepted for policy reasons.", Returned, Policy},
		{"a@orange.fr", "550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. OFR204_416 [416]", Wrong, Unknown},
		{"a@orange.fr", "552 5.1.1 Boite du destinataire pleine. Recipient overquota. OFR204_417 [417]", Returned, Full},
		{"a@wanadoo.fr", "550 5.7.1 Mail rejete. Mail rejected. OFR_506 [506]", Returned, Spam},
		{"a@free.fr", "550 5.1.1 <a@free.fr>: Recipient address rejected: User unknown in virtual mailbox table", Wrong, Unknown},
		{"a@free.fr", "550 spam detected", Returned, Spam},
		{"a@neuf.fr", "550 5.1.1 Adresse d'au moins un destinataire invalide. Invalid recipient.", Wrong, Unknown},
		{"a@sfr.fr", "550 5.7.1 Service refuse. Veuillez essayer plus tard. service refused, please try later.", Returned, ""},
		{"a@laposte.net", "550 5.5.0 Adresse destinataire invalide. Invalid recipient. LPN007_401", Wrong, Unknown},
		{"a@laposte.net", "550 5.1.1 Service refuse. Adresse email inconnue. Unknown recipient. LPN007_510", Wrong, Unknown},
		{"a@orange.fr", "550 5.1.1 Destinataire inconnu. OFR_510 [510]", Wrong, Unknown},
		{"a@orange.fr", "550 5.1.1 Adresse du destinataire inconnue. OFR_510 [510]", Wrong, Unknown},
		{"a@orange.fr", "550 5.5.0 Adresse de l'expéditeur inconnue. OFR_510 [510]", Returned, ""},
		{"a@orange.fr", "550 5.5.0 Adresse email de l'expéditeur inconnue. OFR_510 [510]", Returned, ""},
		{"a@orange.fr", "550 5.5.0 Adresse IP inconnue. OFR_510 [510]", Returned, ""},
		{"a@orange.fr", "550 5.5.0 Service refuse. Serveur inconnu, veuillez essayer plus tard. OFR004_104", Returned, ""},
		{"a@corp.example", "550 5.1.1 La messagerie de ce destinataire a atteint son quota", Returned, Full},
		{"a@corp.example", "550 5.1.1 Quota de la boîte dépassé", Returned, Full},
		{"a@corp.example", "550 5.1.1 Espace de stockage du destinataire insuffisant", Returned, Full},
		{"a@corp.example", "550 5.1.1 Speicherplatz des Empfängers erschöpft", Returned, Full},
		{"a@corp.example", "550 5.1.1 espacio de almacenamiento agotado", Returned, Full},
		{"a@corp.example", "550 Onbekende gebruiker", Wrong, Unknown},
		{"a@corp.example", "550 Nieznany użytkownik", Wrong, Unknown},
		{"a@corp.example", "550 Ukendt modtager", Wrong, Unknown},
		{"a@corp.example", "Host or domain name not found. Name service error for name=corp.example type=A: Host found but no data record of requested type", Returned, ""},
		{"a@corp.example", "Host or domain name not found. Name service error for name=corp.example type=A: Host not found", Wrong, NoDomain},
		{"a@icloud.com", "552 5.2.2 <a@icloud.com>: user is over quota", Returned, Full},
		{"a@me.com", "550 5.7.1 [HM08] Message rejected due to local policy.", Returned, Policy},
		{"a@corp.example", "550 5.1.1 <a@corp.example>... User unknown - psmtp", Wrong, Unknown},
		{"a@corp.example", "550 Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#550 [x.eu1]", Wrong, Unknown},
		{"a@corp.example", "550 Rejected by header based Anti-Spoofing policy: a@corp.example - https://community.mimecast.com/docs/DOC-1369#550", Returned, ""},
		{"a@corp.example", "554 Service unavailable; Client host [relay.univ-x.example] blocked using Barracuda Reputation", Returned, ""},
		{"a@corp.example", "550 Unrouteable address", Wrong, Unknown},
		{"a@corp.example", "550 Sender verify failed", Returned, ""},
		{"a@corp.example", "550 5.7.1 <a@corp.example>... Relaying denied", Returned, Policy},
		{"a@corp.example", "554 5.2.1 maintenance: Account is not active", Returned, Suspended},
		{"a@corp.example", "550 Invalid recipient: <a@corp.example>", Wrong, Unknown},
		{"a@zoho.com", "553 Relaying disallowed. Invalid Domain - univ-x.example", Returned, Policy},
		{"a@gmx.fr", "550 Requested action not taken: mailbox unavailable. For explanation visit https://www.gmx.net/mail/senderguidelines", Wrong, Unknown},
		{"a@web.de", "550 Requested action not taken: mailbox unavailable Reject due to SPF policy.", Returned, Auth},
		{"a@corp.example", "550 Requested action not taken: mailbox unavailable invalid DNS MX or A/AAAA resource record.", Returned, Auth},
		{"a@mail.ru", "550 Message was not accepted -- invalid mailbox. Local mailbox a@mail.ru is unavailable: user not found", Wrong, Unknown},
		{"a@mail.ru", "550 Message was not accepted -- invalid mailbox. Local mailbox a@mail.ru is unavailable: mailbox is full", Returned, Full},
		{"a@qq.com", "550 The recipient may contain a non-existent account, please check the recipient address.", Wrong, Unknown},
		{"a@qq.com", "550 Mail content denied.", Returned, ""},
		{"a@proton.me", "550 5.1.1 <a@proton.me>: Recipient address rejected: Address does not exist", Wrong, Unknown},
		{"a@yandex.ru", "554 5.7.1 [2] Message rejected under suspicion of SPAM", Returned, Spam},
		{"a@corp.example", "450 4.2.0 <a@corp.example>: Recipient address rejected: Greylisted", Returned, ""},
		{"a@corp.example", "450 4.1.1 <a@corp.example>: Recipient address rejected: unverified address: Address verification in progress", Returned, ""},
		{"a@corp.example", "550 I cannot deliver mail for <a@corp.example>", Wrong, Unknown},
		{"a@corp.example", "550 Le compte que vous tentez de joindre n'existe plus", Wrong, Closed},
		{"a@corp.example", "550 5.7.1 Message considéré comme indésirable", Returned, Spam},
		{"a@corp.example", "552 5.3.4 Message size exceeds fixed limit", Returned, Content},
	} {
		if _, v := DefaultRules().Judge(c.to, c.reply); v.Outcome != c.outcome || c.reason != "" && v.Reason != c.reason {
			t.Errorf("%s: %s, %s by %s; want %s, %s", c.reply, v.Outcome, v.Reason, v.Rule, c.outcome, c.reason)
		}
	}
}
