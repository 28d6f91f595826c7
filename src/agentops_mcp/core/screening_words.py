"""The words of the screening grammar: each stands for one class, written as one character. Data only.

A class says what a word can do in a sentence that instructs: name what is to be overridden, who is addressed, what is
to be kept from whom. Words are in lower case without accents. To teach another language, add its words to the rows;
the rules read classes and do not change. A word that belongs to two classes stands in the one that flags less.
"""

OTHER = "-"
BREAK = "|"
COMMA = ","
QUOTE = '"'
EMAIL = "@"
URL = "/"
ACCOUNT = "C"

_ROWS = {
    # Verbs, in the form of a command.
    "I": "ignore disregard forget overlook neglect ignorez oubliez oublie ignoriere ignorieren vergiss vergessen ignora"
    " ignorar ignorad olvida olvide esqueca ignori dimentica ignoreer vergeet zignoruj abaikan lupakan ignorera",
    "i": "override bypass stop circumvent disobey violate abandon",
    "r": "reveal disclose leak divulge exfiltrate recite regurgitate revelez divulguez revela revele enthulle"
    " rivela offenbare verrate onthul ujawnij",
    "b": "repeat summarize paraphrase echo",
    "v": "show print output display give return share write list provide include state spell translate encode confirm"
    " affichez donnez zeige gib nenne muestra imprime mostra",
    "t": "tell inform notify alert mention warn",
    "x": "send email forward post upload transmit mail submit envoyez envoie envia enviar sende schicke invia"
    " envie mande verstuur stuur wyslij",
    "O": "approve accept authorize authorise",
    "7": "imagine",
    "J": "pretend roleplay impersonate simulate",
    "S": "respond reply answer act behave speak obey comply",
    "R": "read recall retrieve process summarise reading recalling retrieving processing summarizing summarising",
    "K": "keep hide conceal",
    "z": "get call use fetch run execute make delete open load visit go add remove create start begin install click"
    " download copy look take pay transfer follow perform book buy grant set change append insert render embed combine"
    " ensure check generate push merge commit deploy disable skip remember rename rewrite replace modify edit save"
    " store reset utilisez accedez usa haz"
    " utiliza utilice utilize utilizza verwende benutze nutze gebruik uzyj",
    # What is overridden, revealed or sent.
    "n": "instruction instructions directive directives guideline guidelines consignes anweisung anweisungen"
    " instrucciones instrucoes istruzioni instructies instrukcje instruksi instruktioner instrukser",
    "f": "restrictions limitations filters censorship",
    "k": "rules rule constraints policies policy orders order commands task tasks training programming"
    " guardrails safeguards told instructed taught regles regeln reglas regras regole tareas",
    "P": "prompt prompts",
    "q": "password passwords passwort passworter secret secrets credential credentials passport ssn"
    " contrasena contrasenas senha senhas token tokens keys key motdepasse",
    "d": "messages emails inbox information content contents data files contacts",
    "D": "conversation conversations history environment transcript",
    "j": "birth birthday birthdate phone address email location age iban",
    "l": "address account inbox mailbox",
    # Who and whose.
    "Y": "you vous tu usted sie ihnen voce",
    "y": "your yours votre vos ton tes tus su sus seu seus suas ihre ihr deine deinen tuas tue",
    "m": "me my us our mine moi mir mi meu",
    "u": "user human person operator owner administrator admin anyone anybody somebody",
    "U": "user's users' owner's customer's customer customers client's human's",
    "g": "ai llm assistant chatbot model agent bot gpt chatgpt",
    "V": "dan jailbroken unrestricted unfiltered uncensored rogue amoral unethical",
    "X": "attacker adversary",
    # When, how much, which.
    "e": "previous prior preceding earlier above foregoing former before original initial past precedentes precedente"
    " anteriores anterior previas previos vorherigen bisherigen obigen fruheren precedenti vorige eerdere poprzednie"
    " sebelumnya tidigare tidligere",
    "s": "system hidden internal developer confidential systeme sistema",
    "a": "all any every each everything entire toutes tous alle alles todas todos tutte",
    "T": "this these it",
    "A": "already beforehand previously",
    "p": "approved authorized authorised consented permitted allowed agreed granted accepted",
    "F": "next pending future upcoming further",
    "L": "call calls request requests action actions tool tools permission permissions",
    "Q": "now",
    "E": "new updated real actual true",
    "Z": "note memory page entry message text document",
    "G": "regardless irrespective",
    "$": "money transaction payment funds bitcoin ether usdt",
    "1": "following below subsequent",
    "2": "code snippet excerpt section",
    "3": "response answer reply output explanation elucidation algorithm solution implementation codebase",
    "0": "no",
    "4": "void obsolete cancelled canceled revoked superseded",
    "5": "env rsa ssh netrc kubeconfig pgpass npmrc",
    # Grammar.
    "N": "not never don't dont",
    "W": "without",
    "H": "asking telling informing notifying alerting consulting",
    "B": "about of",
    "w": "when whenever if once after while upon",
    "h": "what what's where which whats",
    "M": "must should will shall need have has had are is was been be can could would to may might do does",
    "o": "please kindly just also first instead so but immediately simply always important attention urgent bitte por"
    " favor do",
    "c": "and then or y et und e puis luego dann oder",
}

CLASSES: dict[str, str] = {}
for _letter, _words in _ROWS.items():
    for _word in _words.split():
        CLASSES.setdefault(_word, _letter)
CLASSES["do"] = "o"

VERBS = "IirbvtxOJSRKz"
"""The classes of verbs: a sentence that starts with one is a command."""

# Words about attacks: code shown by a paragraph with one of them is spoken of, not said.
ATTACKS = frozenset(
    """
    attack attacks attacker attackers injection injections inject injected jailbreak jailbreaks payload payloads
    malicious adversarial hostile threat threats detector detectors screening smuggle smuggled smuggling
    """.split()
)

# Words about texts: a quotation in a paragraph with one of them is spoken of, not said.
MENTIONS = ATTACKS | frozenset(
    """
    example examples explain explains explained explaining phrase phrases phrased phrasing quote quotes quoted quoting
    describe describes described describing detect detects detected detection flag flags flagged pattern patterns
    sample samples fixture fixtures test tests tested study studies discuss discusses discussion paraphrase paraphrases
    guidance string strings says said saying wrote reads regex rule rules match matches matched block blocks blocked
    such like e.g called text texts sentence sentences contains contained instructs asks warns classifier screens
    means maps refuses refused rejects rejected
    """.split()
)
