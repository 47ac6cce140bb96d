## Signing in
sign-in = Log ind
sign-in-to = for at fortsætte til { $client }
user-name = Brugernavn
password = Adgangskode
remember = Forbliv logget ind på denne enhed
forgot-password = Har du glemt din adgangskode?
or = eller
cancel = Annuller
error-title = Fejl: { $title }
no-way-in = Der er ikke sat nogen loginmetode op for dette websted. Ejeren skal knytte en identitetsudbyder til det.
wrong-password = Navnet eller adgangskoden er ikke rigtig.
user-disabled = Denne konto er slået fra. Spørg dem, der driver webstedet.
user-locked = Adgangskoden til denne konto er spærret. Spørg dem, der driver webstedet.
throttled = For mange forkerte adgangskoder. Vent lidt, og prøv igen.
form-expired = Denne side har været åben for længe. Log ind igen.

## Signing out
sign-out = Log ud
sign-out-title = Vil du logge ud?
sign-out-text = Din session i denne browser afsluttes.
signed-out = Logget ud
signed-out-title = Du er logget ud
signed-out-text = Luk browseren, hvis andre bruger denne enhed.
go-back = Gå tilbage
go-back-to = Gå tilbage til { $client }

## Passwords
password-change = Skift adgangskode
password-choose = Vælg en ny adgangskode
password-changed = Din adgangskode er skiftet
password-changed-text = Alle andre steder er du logget ud.
password-account = Det gælder kontoen { $user }.
password-rules = Brug otte tegn eller flere. En lang, som ingen gætter, er bedre end en med mange specialtegn.
password-old = Gammel adgangskode
password-new = Ny adgangskode
password-repeat = Ny adgangskode igen
password-save = Gem
password-elsewhere = Din adgangskode ligger hos { $provider }. Skift den dér.
password-configured = Din adgangskode står i denne gateways konfiguration. Bed dem, der driver den, om en ny.
password-link-over = Dette link gælder ikke længere
password-link-over-text = Det er brugt, er mere end en time gammelt, eller adgangskoden er skiftet siden. Bed om et nyt.
password-forgot = Glemt adgangskoden?
password-forgot-text = Skriv dit brugernavn. Findes der en sådan konto med en e-mailadresse, sendes der et link dertil, hvormed du vælger en ny adgangskode.
password-send = Send linket
password-sent = Se i din indbakke
password-sent-text = Findes der en sådan konto, er et link på vej. Det gælder en time.
password-old-wrong = Den gamle adgangskode er ikke rigtig.
password-not-repeated = Den nye adgangskode blev ikke skrevet ens to gange.
password-short = Den nye adgangskode er for kort: mindst otte tegn.
password-long = Den nye adgangskode er for lang.
password-common = Den nye adgangskode er en, som alle prøver først. Tag en anden.
password-own = Den nye adgangskode er dit eget navn eller din adresse. Tag en anden.

## Consent
consent-title = { $client } beder om adgang
consent-account = Du er logget ind som { $user }.
consent-about = Om { $client }
consent-scopes = Det beder { $client } om
consent-required = påkrævet
consent-remember = Husk mit valg
allow = Tillad
deny = Afvis
scope-openid = At vide, hvem du er
scope-profile = Din profil: navn, billede og lignende
scope-email = Din e-mailadresse
scope-address = Din postadresse
scope-phone = Dit telefonnummer
scope-offline_access = Adgang, mens du ikke er til stede

## Devices
device = Tilslut en enhed
device-enter = Indtast koden, som din enhed viser.
device-code = Kode
device-wrong = Koden er ikke gyldig. Se på din enhed, og prøv igen.
device-throttled = For mange forkerte koder. Vent lidt, og prøv igen.
device-confirm-title = Tilslut { $client }?
device-confirm-text = Tillad det kun, hvis din enhed viser præcis denne kode, og du selv har bedt om det.
device-done = Enheden er tilsluttet
device-done-text = { $client } er tilsluttet. Du kan lukke denne side og gå tilbage til din enhed.
device-denied = Enheden er afvist
device-denied-text = { $client } blev ikke tilsluttet. Du kan lukke denne side.
continue = Fortsæt

## Signed-in applications
grants = Programmer med adgang
grants-text = Disse programmer har adgang til din konto.
grants-none = Ingen programmer har adgang til din konto.
grant-since = Siden { $date }
grant-ends = Indtil { $date }
grant-revoke = Træk adgang tilbage
grant-revoke-of = Træk adgang tilbage for { $client }

## Between pages
one-moment = Et øjeblik
press-button = Tryk på knappen, hvis der ikke sker noget.
request = Forespørgsel
error = Fejl
try-again = Prøv igen

## Errors
refused = Denne forespørgsel kan ikke besvares
refused-client = { $client } har sendt dig hertil med en forespørgsel, der ikke kan besvares. Fortæl det til dem, der driver programmet.
refused-unknown = Et program har sendt dig hertil med en forespørgsel, der ikke kan besvares. Fortæl det til dem, der driver programmet.
problem-bad_request = Denne forespørgsel kan ikke læses
problem-sign_in_required = Log ind først
    .detail = Din session er slut, eller du er ikke logget ind.
problem-invalid_token = Dette adgangstoken accepteres ikke
    .detail = Hent et nyt hos identitetsserveren: { $what }.
problem-forbidden = Du har ikke adgang til denne side
    .detail = Det blev afvist af { $rule }. Bed webstedets ejer om en rolle, som har adgang, eller log ind som en, der har den.
problem-not_found = Her er ikke noget
problem-method_not_allowed = Denne adresse bruges ikke på den måde
    .detail = Brug en af: { $allow }.
problem-request_timeout = Forespørgslen var for længe undervejs
    .detail = Send den igen. Sker det ofte, er forbindelsen for langsom.
problem-payload_too_large = Forespørgslen er for stor
    .detail = Send mindre.
problem-unsupported_media_type = Dette er ikke en formular
    .detail = Send application/x-www-form-urlencoded.
problem-expectation_failed = Denne forventning kan ikke opfyldes
    .detail = Kun Expect: 100-continue kendes her.
problem-unknown_host = Dette værtsnavn er ikke angivet her
    .detail = Der er ikke angivet noget websted for værten { $host }. Ejeren tilføjer den til hostName på et websted eller til hosts på en listener i conf/.
problem-too_many_requests = For mange forespørgsler
    .detail = Vent { $seconds } sekunder, og prøv igen.
problem-uri_too_long = Forespørgslens adresse er for lang
    .detail = Brug en kortere adresse: sti og forespørgselsstreng må tilsammen fylde 16 KiB.
problem-headers_too_large = Forespørgslens headere er for store
    .detail = Slet dette websteds cookies, og prøv igen.
problem-not_implemented = Denne metode understøttes ikke
    .detail = Brug GET, HEAD, POST, PUT, PATCH, DELETE eller OPTIONS.
problem-upstream_failed = Webstedet svarede ikke rigtigt
    .detail = Webstedet bag denne adresse kunne ikke nås. Prøv igen om lidt. Varer det ved, så oplys forespørgslens id herunder til ejeren.
problem-upstream_timeout = Webstedet var for længe om at svare
    .detail = Webstedet bag denne adresse er langsomt. Prøv igen om lidt. Varer det ved, så oplys forespørgslens id herunder til ejeren.
problem-unavailable = Ikke tilgængelig lige nu
problem-sign_in_failed = Det lykkedes ikke at logge ind
problem-internal = Noget gik galt her
    .detail = Prøv igen. Varer det ved, så oplys forespørgslens id herunder til webstedets ejer.

## Why a sign-in did not succeed
the-provider = Identitetsudbyderen
reason-provider_down = { $provider } kan ikke nås lige nu. Prøv igen om nogle minutter, eller vælg en anden måde at logge ind på.
reason-provider_metadata = { $provider } beskriver sig ikke, som den er sat op her. Webstedets ejer skal rette dens issuer eller authority i conf/.
reason-cancelled = Login blev annulleret hos { $provider }.
reason-provider_refused = { $provider } afviste login. Prøv igen. Varer det ved, så oplys forespørgslens id herunder til webstedets ejer.
reason-client_refused = { $provider } accepterer ikke denne gateways klient-id eller hemmelighed. Webstedets ejer skal rette forbindelsen i conf/.
reason-code_refused = { $provider } indløste ikke login. Begynd forfra.
reason-response_malformed = Svaret fra { $provider } kan ikke forstås. Begynd forfra.
reason-issuer_mismatch = Svaret kommer ikke fra { $provider }. Ingen er logget ind. Begynd forfra.
reason-token_invalid = Det, { $provider } siger om dig, kan ikke bekræftes. Ingen er logget ind. Oplys forespørgslens id herunder til webstedets ejer.
reason-userinfo_invalid = { $provider } gav modstridende svar om dig. Ingen er logget ind. Oplys forespørgslens id herunder til webstedets ejer.
reason-other_provider = { $provider } loggede dig ind på en anden måde, end dette websted beder om. Log ud dér, og begynd forfra.
reason-other_organisation = Den konto, du valgte hos { $provider }, hører ikke til en organisation, der må logge ind her. Begynd forfra med din arbejdskonto.
reason-state_unknown = Dette svar hører ikke til noget login, der er begyndt her. Begynd forfra.
reason-state_expired = Dette login tog mere end ti minutter. Begynd forfra.
reason-state_used = Dette login er allerede gennemført. Begynd forfra.
reason-state_restarted = Gatewayen blev genstartet, mens du loggede ind. Begynd forfra.
reason-state_other_browser = Dette login blev begyndt i en anden browser, eller denne browser gemmer ikke webstedets cookies. Tillad dem, og begynd forfra.
reason-state_changed = Forbindelsen til { $provider } blev ændret, mens du loggede ind. Begynd forfra.
reason-not_mapped = { $provider } er ikke knyttet til dette websted. Webstedets ejer tilføjer den til en mapEntry under federatedAuthentication/identityProvidersPerSites og slår den til.
reason-session_over = Din session hos { $provider } er allerede slut. Log ud dér, eller kontrollér urene, og begynd forfra.
reason-form_foreign = Denne formular blev ikke åbnet i denne browser, eller denne browser gemmer ikke webstedets cookies. Tillad dem, og log ind igen.
reason-user_disabled = Denne konto er slået fra. Spørg dem, der driver webstedet.
reason-role_missing = { $provider } kender dig, men du har ingen af de roller, som dette websted kræver. Bed ejeren om en, og begynd forfra.
reason-email_taken = Den e-mailadresse, som { $provider } oplyser for dig, tilhører en anden konto her. Log på, som du plejer, eller spørg webstedets ejer.
reason-name_taken = Det brugernavn, som { $provider } oplyser for dig, tilhører en anden konto her. Oplys anmodnings-id'et nedenfor til webstedets ejer.
reason-issuer_changed = { $provider } er ikke længere den udbyder, som din konto her blev oprettet med. Oplys anmodnings-id'et nedenfor til webstedets ejer.
reason-identity_unlinked = Dit logon med { $provider } hører ikke længere til denne konto. Begynd forfra.
reason-store_down = Webstedets brugere kan ikke slås op i øjeblikket. Prøv igen om nogle minutter.
reason-too_many_sessions = Der er så mange åbne sessioner, som der må være. Log af, hvor du ikke længere har brug for en, og prøv igen.
reason-question_over = Dette spørgsmål er allerede besvaret, eller det er for gammelt. Begynd forfra.
reason-question_changed = Kontoen er ændret, siden du blev spurgt om den. Begynd forfra.
reason-proof_too_old = Det er for længe siden, du loggede på din konto. Log på den igen og derefter med { $provider }.

## Spørgsmål undervejs
whose-title = Én konto eller to?
whose-user = Du er logget på som { $user }.
whose-provider = Du har netop også logget på med { $provider }.
whose-identity = Dér er du { $identity }.
whose-text = Er det også dig? I så fald kan du fremover logge på den samme konto på begge måder.
whose-same = Ja, brug én konto
whose-own = Nej, brug en selvstændig konto
room-title = For mange sessioner
room-text = Der er så mange åbne sessioner, som der må være.
room-provider = Den ældste blev begyndt med { $provider }.
room-since = Den har været åben siden { $moment }.
room-take-over = Afslut den ældste, og fortsæt
