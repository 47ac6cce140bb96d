## Signing in
sign-in = Anmelden
sign-in-to = um mit { $client } fortzufahren
user-name = Benutzername
password = Passwort
remember = Auf diesem Gerät angemeldet bleiben
forgot-password = Passwort vergessen?
or = oder
cancel = Abbrechen
error-title = Fehler: { $title }
no-way-in = Für diese Website ist keine Anmeldung eingerichtet. Ihr Betreiber ordnet ihr einen Identitätsanbieter zu.
wrong-password = Der Name oder das Passwort ist nicht richtig.
user-disabled = Dieses Konto ist abgeschaltet. Fragen Sie die Betreiber dieser Website.
user-locked = Das Passwort dieses Kontos ist gesperrt. Fragen Sie die Betreiber dieser Website.
throttled = Zu viele falsche Passwörter. Warten Sie etwas und versuchen Sie es erneut.
form-expired = Diese Seite war zu lange geöffnet. Melden Sie sich erneut an.

## Signing out
sign-out = Abmelden
sign-out-title = Abmelden?
sign-out-text = Ihre Sitzung in diesem Browser wird beendet.
signed-out = Abgemeldet
signed-out-title = Sie sind abgemeldet
signed-out-text = Schließen Sie den Browser, wenn andere dieses Gerät benutzen.
go-back = Zurück
go-back-to = Zurück zu { $client }

## Passwords
password-change = Passwort ändern
password-choose = Neues Passwort wählen
password-changed = Ihr Passwort ist geändert
password-changed-text = Überall sonst sind Sie abgemeldet.
password-account = Es geht um das Konto { $user }.
password-rules = Nehmen Sie acht Zeichen oder mehr. Ein langes, das niemand errät, ist besser als eines mit vielen Sonderzeichen.
password-old = Altes Passwort
password-new = Neues Passwort
password-repeat = Neues Passwort wiederholen
password-save = Speichern
password-elsewhere = Ihr Passwort liegt bei { $provider }. Ändern Sie es dort.
password-configured = Ihr Passwort steht in der Konfiguration dieses Gateways. Bitten Sie dessen Betreiber um ein neues.
password-link-over = Dieser Link gilt nicht mehr
password-link-over-text = Er wurde benutzt, ist älter als eine Stunde, oder das Passwort wurde seither geändert. Fordern Sie einen neuen an.
password-forgot = Passwort vergessen?
password-forgot-text = Geben Sie Ihren Benutzernamen ein. Gibt es ein solches Konto mit einer E-Mail-Adresse, geht ein Link dorthin, mit dem Sie ein neues Passwort wählen.
password-send = Link senden
password-sent = Sehen Sie in Ihr Postfach
password-sent-text = Gibt es ein solches Konto, ist ein Link unterwegs. Er gilt eine Stunde.
password-old-wrong = Das alte Passwort ist nicht richtig.
password-not-repeated = Das neue Passwort wurde nicht zweimal gleich eingegeben.
password-short = Das neue Passwort ist zu kurz: mindestens acht Zeichen.
password-long = Das neue Passwort ist zu lang.
password-common = Das neue Passwort probiert jeder zuerst. Nehmen Sie ein anderes.
password-own = Das neue Passwort ist Ihr eigener Name oder Ihre Adresse. Nehmen Sie ein anderes.

## Consent
consent-title = { $client } bittet um Zugriff
consent-account = Sie sind als { $user } angemeldet.
consent-about = Über { $client }
consent-scopes = Darum bittet { $client }
consent-required = erforderlich
consent-remember = Meine Auswahl merken
allow = Erlauben
deny = Ablehnen
scope-openid = Wissen, wer Sie sind
scope-profile = Ihr Profil: Name, Bild und Ähnliches
scope-email = Ihre E-Mail-Adresse
scope-address = Ihre Postanschrift
scope-phone = Ihre Telefonnummer
scope-offline_access = Zugriff, während Sie abwesend sind

## Devices
device = Gerät verbinden
device-enter = Geben Sie den Code ein, den Ihr Gerät anzeigt.
device-code = Code
device-wrong = Dieser Code ist nicht gültig. Sehen Sie auf Ihrem Gerät nach und versuchen Sie es erneut.
device-throttled = Zu viele falsche Codes. Warten Sie etwas und versuchen Sie es erneut.
device-confirm-title = { $client } verbinden?
device-confirm-text = Erlauben Sie dies nur, wenn Ihr Gerät genau diesen Code anzeigt und Sie selbst darum gebeten haben.
device-done = Gerät verbunden
device-done-text = { $client } ist verbunden. Sie können diese Seite schließen und zu Ihrem Gerät zurückkehren.
device-denied = Gerät abgelehnt
device-denied-text = { $client } wurde nicht verbunden. Sie können diese Seite schließen.
continue = Weiter

## Signed-in applications
grants = Angemeldete Anwendungen
grants-text = Diese Anwendungen haben Zugriff auf Ihr Konto.
grants-none = Keine Anwendung hat Zugriff auf Ihr Konto.
grant-since = Seit { $date }
grant-ends = Bis { $date }
grant-revoke = Zugriff entziehen
grant-revoke-of = { $client } den Zugriff entziehen

## Between pages
one-moment = Einen Moment
press-button = Wenn nichts geschieht, drücken Sie die Schaltfläche.
request = Anfrage
error = Fehler
try-again = Erneut versuchen

## Errors
refused = Diese Anfrage kann nicht beantwortet werden
refused-client = { $client } hat Sie mit einer Anfrage hierher geschickt, die nicht beantwortet werden kann. Sagen Sie es denen, die die Anwendung betreiben.
refused-unknown = Eine Anwendung hat Sie mit einer Anfrage hierher geschickt, die nicht beantwortet werden kann. Sagen Sie es denen, die sie betreiben.
problem-bad_request = Diese Anfrage kann nicht gelesen werden
problem-sign_in_required = Melden Sie sich zuerst an
    .detail = Ihre Sitzung ist beendet, oder Sie haben sich noch nicht angemeldet.
problem-invalid_token = Dieses Zugriffstoken wird nicht angenommen
    .detail = Holen Sie ein neues vom Identitätsserver: { $what }.
problem-forbidden = Sie haben keinen Zugriff auf diese Seite
    .detail = Abgelehnt von { $rule }. Bitten Sie den Betreiber der Website um eine Rolle, die Zugriff hat, oder melden Sie sich als jemand an, der sie hat.
problem-not_found = Hier ist nichts
problem-method_not_allowed = Diese Adresse wird nicht so verwendet
    .detail = Verwenden Sie eines von: { $allow }.
problem-request_timeout = Die Anfrage war zu lange unterwegs
    .detail = Senden Sie sie erneut. Geschieht das oft, ist die Verbindung zu langsam.
problem-payload_too_large = Die Anfrage ist zu groß
    .detail = Senden Sie weniger.
problem-unsupported_media_type = Das ist kein Formular
    .detail = Senden Sie application/x-www-form-urlencoded.
problem-expectation_failed = Diese Erwartung kann nicht erfüllt werden
    .detail = Hier ist nur Expect: 100-continue bekannt.
problem-unknown_host = Dieser Host ist hier nicht eingetragen
    .detail = Für den Host { $host } ist keine Website eingetragen. Ihr Betreiber fügt ihn in conf/ dem hostName einer Website oder den hosts eines Listeners hinzu.
problem-too_many_requests = Zu viele Anfragen
    .detail = Warten Sie { $seconds } Sekunden und versuchen Sie es erneut.
problem-uri_too_long = Die Adresse der Anfrage ist zu lang
    .detail = Verwenden Sie eine kürzere Adresse: Pfad und Abfrage dürfen zusammen 16 KiB lang sein.
problem-headers_too_large = Die Header der Anfrage sind zu groß
    .detail = Löschen Sie die Cookies dieser Website und versuchen Sie es erneut.
problem-not_implemented = Diese Methode wird nicht unterstützt
    .detail = Verwenden Sie GET, HEAD, POST, PUT, PATCH, DELETE oder OPTIONS.
problem-upstream_failed = Die Website hat nicht richtig geantwortet
    .detail = Die Website hinter dieser Adresse war nicht erreichbar. Versuchen Sie es gleich noch einmal. Hält es an, nennen Sie ihrem Betreiber die Anfragenummer unten.
problem-upstream_timeout = Die Website hat zu spät geantwortet
    .detail = Die Website hinter dieser Adresse ist langsam. Versuchen Sie es gleich noch einmal. Hält es an, nennen Sie ihrem Betreiber die Anfragenummer unten.
problem-unavailable = Zurzeit nicht verfügbar
problem-sign_in_failed = Die Anmeldung ist nicht gelungen
problem-internal = Hier ist etwas schiefgegangen
    .detail = Versuchen Sie es erneut. Hält es an, nennen Sie dem Betreiber der Website die Anfragenummer unten.

## Why a sign-in did not succeed
the-provider = Der Identitätsanbieter
reason-provider_down = { $provider } ist zurzeit nicht erreichbar. Versuchen Sie es in einigen Minuten erneut, oder melden Sie sich auf andere Weise an.
reason-provider_metadata = { $provider } beschreibt sich anders, als es hier eingetragen ist. Der Betreiber der Website muss dessen Issuer oder die authority in conf/ berichtigen.
reason-cancelled = Die Anmeldung wurde bei { $provider } abgebrochen.
reason-provider_refused = { $provider } hat die Anmeldung abgelehnt. Versuchen Sie es erneut. Hält es an, nennen Sie dem Betreiber der Website die Anfragenummer unten.
reason-client_refused = { $provider } akzeptiert die Client-ID oder das Geheimnis dieses Gateways nicht. Der Betreiber der Website muss die Verbindung in conf/ berichtigen.
reason-code_refused = { $provider } hat die Anmeldung nicht eingelöst. Beginnen Sie von vorn.
reason-response_malformed = Die Antwort von { $provider } ist nicht zu verstehen. Beginnen Sie von vorn.
reason-issuer_mismatch = Die Antwort kommt nicht von { $provider }. Niemand wurde angemeldet. Beginnen Sie von vorn.
reason-token_invalid = Was { $provider } über Sie sagt, ließ sich nicht prüfen. Niemand wurde angemeldet. Nennen Sie dem Betreiber der Website die Anfragenummer unten.
reason-userinfo_invalid = { $provider } hat widersprüchlich über Sie geantwortet. Niemand wurde angemeldet. Nennen Sie dem Betreiber der Website die Anfragenummer unten.
reason-other_provider = { $provider } hat Sie auf andere Weise angemeldet, als diese Website verlangt. Melden Sie sich dort ab und beginnen Sie von vorn.
reason-other_organisation = Das Konto, das Sie bei { $provider } gewählt haben, gehört zu keiner Organisation, die sich hier anmelden darf. Beginnen Sie von vorn mit Ihrem Arbeitskonto.
reason-state_unknown = Diese Antwort gehört zu keiner Anmeldung, die hier begonnen wurde. Beginnen Sie von vorn.
reason-state_expired = Diese Anmeldung hat länger als zehn Minuten gedauert. Beginnen Sie von vorn.
reason-state_used = Diese Anmeldung ist bereits abgeschlossen. Beginnen Sie von vorn.
reason-state_restarted = Das Gateway wurde neu gestartet, während Sie sich anmeldeten. Beginnen Sie von vorn.
reason-state_other_browser = Diese Anmeldung wurde in einem anderen Browser begonnen, oder dieser Browser speichert keine Cookies dieser Website. Erlauben Sie sie und beginnen Sie von vorn.
reason-state_changed = Die Verbindung zu { $provider } wurde geändert, während Sie sich anmeldeten. Beginnen Sie von vorn.
reason-not_mapped = { $provider } ist dieser Website nicht zugeordnet. Ihr Betreiber fügt ihn einem mapEntry unter federatedAuthentication/identityProvidersPerSites hinzu und schaltet ihn ein.
reason-session_over = Ihre Sitzung bei { $provider } ist schon beendet. Melden Sie sich dort ab, oder prüfen Sie die Uhren, und beginnen Sie von vorn.
reason-form_foreign = Dieses Formular wurde nicht in diesem Browser geöffnet, oder dieser Browser speichert keine Cookies dieser Website. Erlauben Sie sie und melden Sie sich erneut an.
reason-user_disabled = Dieses Konto ist abgeschaltet. Fragen Sie die Betreiber dieser Website.
reason-role_missing = { $provider } kennt Sie, aber Sie haben keine der Rollen, die diese Website verlangt. Bitten Sie ihren Betreiber um eine und beginnen Sie von vorn.
reason-email_taken = Die E-Mail-Adresse, die { $provider } für Sie nennt, gehört hier zu einem anderen Konto. Melden Sie sich wie gewohnt an oder fragen Sie den Betreiber der Website.
reason-name_taken = Der Benutzername, den { $provider } für Sie nennt, gehört hier zu einem anderen Konto. Nennen Sie dem Betreiber der Website die Anfrage-ID unten.
reason-issuer_changed = { $provider } ist nicht mehr der Anbieter, mit dem Ihr Konto hier angelegt wurde. Nennen Sie dem Betreiber der Website die Anfrage-ID unten.
reason-identity_unlinked = Ihre Anmeldung mit { $provider } gehört nicht mehr zu diesem Konto. Beginnen Sie von vorn.
reason-store_down = Die Benutzer dieser Website können gerade nicht nachgeschlagen werden. Versuchen Sie es in einigen Minuten noch einmal.
reason-too_many_sessions = Es sind so viele Sitzungen offen, wie es sein dürfen. Melden Sie sich dort ab, wo Sie keine mehr brauchen, und versuchen Sie es noch einmal.
reason-question_over = Diese Frage ist schon beantwortet oder zu alt. Beginnen Sie von vorn.
reason-question_changed = Das Konto hat sich geändert, seit Sie danach gefragt wurden. Beginnen Sie von vorn.
reason-proof_too_old = Es ist zu lange her, dass Sie sich an Ihrem Konto angemeldet haben. Melden Sie sich dort noch einmal an und dann mit { $provider }.

## Fragen unterwegs
whose-title = Ein Konto oder zwei?
whose-user = Sie sind als { $user } angemeldet.
whose-provider = Sie haben sich gerade auch mit { $provider } angemeldet.
whose-identity = Dort sind Sie { $identity }.
whose-text = Sind das auch Sie? Dann können Sie sich künftig auf beiden Wegen am selben Konto anmelden.
whose-same = Ja, ein Konto verwenden
whose-own = Nein, ein eigenes Konto verwenden
room-title = Zu viele Sitzungen
room-text = Es sind so viele Sitzungen offen, wie es sein dürfen.
room-provider = Die älteste wurde mit { $provider } begonnen.
room-since = Sie ist seit { $moment } offen.
room-take-over = Die älteste beenden und fortfahren
