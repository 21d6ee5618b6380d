// Made by `make docs` from packs and models. Edits here are lost: change those.
export const TABLE = {
 "names": "(?i)(?:passw(?:or)?d|passphrase|passcode|[_-]pass|pwd|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|account[_-]?key|encryption[_-]?key|signing[_-]?key|master[_-]?key|sess(?:ion)?id|authorization|cookie|credentials?|signature|[?&]sig|[\\\"']pass|card[_-]?number|cvv|cvc|otp|phone(?:[_-]?number)?|mobile|msisdn|whatsapp|^pass)\\]?$",
 "rules": [
  {
   "name": "private key block",
   "pattern": "-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-[^-])*(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----)?",
   "mask": "[redacted:key]",
   "check": ""
  },
  {
   "name": "parameters of a statement",
   "pattern": "(\\[parameters: )(?:[^\\]\\\\]|\\\\[^n])*\\]?",
   "mask": "${1}redacted]",
   "check": ""
  },
  {
   "name": "secret field of JSON",
   "pattern": "(?i)((?:passw(?:or)?d|passphrase|passcode|[_-]pass|pwd|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|account[_-]?key|encryption[_-]?key|signing[_-]?key|master[_-]?key|sess(?:ion)?id|authorization|cookie|credentials?|signature|[?&]sig|[\\\"']pass|card[_-]?number|cvv|cvc|otp)\"\\s*:\\s*)(?:\"(?:[^\"\\\\]|\\\\.)*\"?|-?\\d[\\d.eE+-]*)",
   "mask": "${1}\"[redacted:secret]\"",
   "check": ""
  },
  {
   "name": "secret field of JSON inside a JSON string",
   "pattern": "(?i)((?:passw(?:or)?d|passphrase|passcode|[_-]pass|pwd|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|account[_-]?key|encryption[_-]?key|signing[_-]?key|master[_-]?key|sess(?:ion)?id|authorization|cookie|credentials?|signature|[?&]sig|[\\\"']pass|card[_-]?number|cvv|cvc|otp)\\\\+\"\\s*:\\s*)(?:(\\\\+\")[^\"]*\"?|-?\\d[\\d.eE+-]*)",
   "mask": "${1}${2}[redacted:secret]${2}",
   "check": ""
  },
  {
   "name": "secret field of encoded JSON",
   "pattern": "(?i)((?:passw(?:or)?d|passphrase|passcode|[_-]pass|pwd|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|account[_-]?key|encryption[_-]?key|signing[_-]?key|master[_-]?key|sess(?:ion)?id|authorization|cookie|credentials?|signature|[?&]sig|[\\\"']pass|card[_-]?number|cvv|cvc|otp)%22(?:%20|\\+)*%3A(?:%20|\\+)*)(?:%22(?:[^%\\s\\\"'&\\\\]|%[013-9A-F][0-9A-F]|%2[013-9A-F])*|\\d+)",
   "mask": "${1}%22[redacted:secret]",
   "check": ""
  },
  {
   "name": "secret pair of JSON",
   "pattern": "(?i)(\\[\"[\\w-]{0,60}(?:passw(?:or)?d|passphrase|passcode|[_-]pass|pwd|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|account[_-]?key|encryption[_-]?key|signing[_-]?key|master[_-]?key|sess(?:ion)?id|authorization|cookie|credentials?|signature|[?&]sig|[\\\"']pass|card[_-]?number|cvv|cvc|otp)\",\\s*)\"(?:[^\"\\\\]|\\\\.)*(?:\"\\]|\\\\?$)",
   "mask": "${1}\"[redacted:secret]\"]",
   "check": ""
  },
  {
   "name": "secret list of JSON",
   "pattern": "(?i)((?:passw(?:or)?d|passphrase|passcode|[_-]pass|pwd|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|account[_-]?key|encryption[_-]?key|signing[_-]?key|master[_-]?key|sess(?:ion)?id|authorization|cookie|credentials?|signature|[?&]sig|[\\\"']pass|card[_-]?number|cvv|cvc|otp|passwords|secrets|api[_-]?keys|(?:access|refresh)[_-]?tokens)(\\\\*)\"\\s*:\\s*)\\[(?:\\s*(?:\"(?:[^\"\\\\]|\\\\.)*\"?|\\\\+\"[^\"]*\"?)\\s*,?)+\\s*\\]?",
   "mask": "${1}${2}\"[redacted:secret]${2}\"",
   "check": ""
  },
  {
   "name": "secret element of XML",
   "pattern": "(?i)(<(?:\\w{1,60}:)?[\\w-]{0,60}(?:passw(?:or)?d|passphrase|passcode|[_-]pass|pwd|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|account[_-]?key|encryption[_-]?key|signing[_-]?key|master[_-]?key|sess(?:ion)?id|authorization|cookie|credentials?|signature|[?&]sig|[\\\"']pass|card[_-]?number|cvv|cvc|otp)>)[^<]+",
   "mask": "${1}[redacted:secret]",
   "check": ""
  },
  {
   "name": "secret part of a form",
   "pattern": "(?i)(name=\\\\*\"[\\w-]{0,60}(?:passw(?:or)?d|passphrase|passcode|[_-]pass|pwd|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|account[_-]?key|encryption[_-]?key|signing[_-]?key|master[_-]?key|sess(?:ion)?id|authorization|cookie|credentials?|signature|[?&]sig|[\\\"']pass|card[_-]?number|cvv|cvc|otp)\\\\*\"(?:\\\\+[rn]|\\s)+)[^\\s\"\\\\]+",
   "mask": "${1}[redacted:secret]",
   "check": ""
  },
  {
   "name": "secret item of a Python dict",
   "pattern": "(?i)((?:passw(?:or)?d|passphrase|passcode|[_-]pass|pwd|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|account[_-]?key|encryption[_-]?key|signing[_-]?key|master[_-]?key|sess(?:ion)?id|authorization|cookie|credentials?|signature|[?&]sig|[\\\"']pass|card[_-]?number|cvv|cvc|otp)'\\s*:\\s*)(?:b?'(?:[^'\"\\\\]|\\\\.)*'?|\\\\*\"[^\"]*(?:\"|$)|-?\\d[\\d.eE+-]*)",
   "mask": "${1}'[redacted:secret]'",
   "check": ""
  },
  {
   "name": "secret pair of a Python tuple",
   "pattern": "(?i)(\\(b?'[\\w-]{0,60}(?:passw(?:or)?d|passphrase|passcode|[_-]pass|pwd|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|account[_-]?key|encryption[_-]?key|signing[_-]?key|master[_-]?key|sess(?:ion)?id|authorization|cookie|credentials?|signature|[?&]sig|[\\\"']pass|card[_-]?number|cvv|cvc|otp)',\\s*)b?'(?:[^'\"\\\\]|\\\\.)*'?",
   "mask": "${1}'[redacted:secret]'",
   "check": ""
  },
  {
   "name": "secret header",
   "pattern": "(?i)(authorization\\s*:\\s*)(?:(?:basic|bearer|digest|token|apikey)\\s+[^\\r\\n\"'\\\\]+|[\\w.~+/=-]{16,})",
   "mask": "${1}[redacted:secret]",
   "check": ""
  },
  {
   "name": "cookie",
   "pattern": "(?i)(cookie\\s*:\\s*)[^\\s=;\"'\\\\\\[]{1,128}=[^\\r\\n\"'\\\\]*",
   "mask": "${1}[redacted:secret]",
   "check": ""
  },
  {
   "name": "key header",
   "pattern": "(?i)(x-[a-z-]{0,60}(?:key|token|secret)\\s*:\\s*)[^\\s\"'\\\\,;]+",
   "mask": "${1}[redacted:secret]",
   "check": ""
  },
  {
   "name": "secret assignment",
   "pattern": "(?i)((?:passw(?:or)?d|passphrase|passcode|[_-]pass|pwd|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|account[_-]?key|encryption[_-]?key|signing[_-]?key|master[_-]?key|sess(?:ion)?id|authorization|cookie|credentials?|signature|[?&]sig|[\\\"']pass|card[_-]?number|cvv|cvc|otp)(?:\\s?=>?\\s?|%3D))(?:\\\\+\"[^\"]*\"?|\"[^\",}\\s][^\"]*\"?|b?'[^'\",}\\s][^'\"]*'?|[^\\s&;,\"'\\\\(){}\\[\\]<>|=][^\\s&;,\"'\\\\(){}\\[\\]<>|]*)",
   "mask": "${1}[redacted:secret]",
   "check": ""
  },
  {
   "name": "secret field of a form",
   "pattern": "(?i)((?:passw(?:or)?d|passphrase|passcode|[_-]pass|pwd|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|account[_-]?key|encryption[_-]?key|signing[_-]?key|master[_-]?key|sess(?:ion)?id|authorization|cookie|credentials?|signature|[?&]sig|[\\\"']pass|card[_-]?number|cvv|cvc|otp)(?:\\]|\\[\\]|%5D|%5B%5D)(?:=|%3D))[^\\s&;,\"'\\\\(){}\\[\\]<>|=][^\\s&;,\"'\\\\(){}\\[\\]<>|]*",
   "mask": "${1}[redacted:secret]",
   "check": ""
  },
  {
   "name": "cookies and credentials",
   "pattern": "(?i)((?:cookies?|credentials?)\\\\*['\"]?\\s*[=:]\\s*\\{)[^}]+",
   "mask": "${1}[redacted:secret]",
   "check": ""
  },
  {
   "name": "login",
   "pattern": "(?i)(\\bauth=\\(\\\\*['\"][^'\"]*['\"],\\s*)[^\\s,)]+",
   "mask": "${1}[redacted:secret]",
   "check": ""
  },
  {
   "name": "login of a command",
   "pattern": "(?i)(\\s(?:-u|--user)[ =]\\\\*['\"]?[^\\s:,'\"\\\\]+:)[^\\s,'\"\\\\)]+",
   "mask": "${1}[redacted:secret]",
   "check": ""
  },
  {
   "name": "secret option",
   "pattern": "(?i)(--(?:\\w[\\w-]{0,40})?(?:passw(?:or)?d|passphrase|passcode|[_-]pass|pwd|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|account[_-]?key|encryption[_-]?key|signing[_-]?key|master[_-]?key|sess(?:ion)?id|authorization|cookie|credentials?|signature|[?&]sig|[\\\"']pass|card[_-]?number|cvv|cvc|otp)\\s+)[^\\s\"'\\\\-][^\\s\"'\\\\]*",
   "mask": "${1}[redacted:secret]",
   "check": ""
  },
  {
   "name": "secret after a colon",
   "pattern": "(?i)((?:passw(?:or)?d|passphrase|pwd|secret|api[ _-]?key|token)\\s?:\\s*)(?:(?:[A-Za-z]+[0-9!@#$%^&*][^\\s,;\"'\\\\)]*|[0-9]+[A-Za-z!@#$%^&*][^\\s,;\"'\\\\)]{3,})|[\\w.~+/=-]{16,}|'[^'\"\\\\\\s][^'\"\\\\]*(?:'|$))",
   "mask": "${1}[redacted:secret]",
   "check": ""
  },
  {
   "name": "password of a statement",
   "pattern": "(?i)((?:password|identified\\s+by)\\s+)'[^']+(?:'|$)",
   "mask": "${1}'[redacted:secret]'",
   "check": ""
  },
  {
   "name": "password in an address",
   "pattern": "(://[^\\s:/@\"'\\\\]*:)[^\\s/\"'\\\\]+@",
   "mask": "${1}[redacted:secret]@",
   "check": ""
  },
  {
   "name": "key in an address",
   "pattern": "(://)[\\w-]{20,}@",
   "mask": "${1}[redacted]@",
   "check": ""
  },
  {
   "name": "webhook",
   "pattern": "((?:hooks\\.slack\\.com/(?:services|workflows|triggers)|discord(?:app)?\\.com/api/webhooks|hooks\\.zapier\\.com/hooks/catch|webhook\\.office\\.com/webhookb2)/)[\\w/@+-]+",
   "mask": "${1}[redacted:secret]",
   "check": ""
  },
  {
   "name": "Telegram bot token",
   "pattern": "\\d{6,12}(?::|%3A)AA[\\w-]{30,}",
   "mask": "[redacted:key]",
   "check": ""
  },
  {
   "name": "provider key",
   "pattern": "(^|[^\\w.]|\\D\\.|\\\\[nrtbf]|\\\\u[0-9a-fA-F]{4})(?:(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}|glpat-[\\w-]{20,}|(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{16,}|xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}|sk-[A-Za-z0-9_-]{20,}|gsk_[A-Za-z0-9]{20,}|hf_[A-Za-z0-9]{30,}|AIza[\\w-]{35}|ya29\\.[\\w-]{20,}|GOCSPX-[\\w-]{20,}|SG\\.[\\w-]{16,}\\.[\\w-]{16,}|key-[0-9a-f]{32}|npm_[A-Za-z0-9]{36}|pypi-[\\w-]{16,}|do[opr]_v1_[0-9a-f]{64}|shp(?:at|ss|ca|pa)_[0-9a-fA-F]{32})",
   "mask": "${1}[redacted:key]",
   "check": ""
  },
  {
   "name": "JSON web token",
   "pattern": "eyJ[\\w-]{8,1000}\\.[\\w-]*\\.[\\w-]*(?:\\.[\\w-]*){0,2}",
   "mask": "[redacted:jwt]",
   "check": ""
  },
  {
   "name": "bearer token",
   "pattern": "(?i)(bearer(?:\\s|%20|\\+)+)[\\w.~+/=-]{16,}",
   "mask": "${1}[redacted:secret]",
   "check": ""
  },
  {
   "name": "basic login",
   "pattern": "([Bb]asic(?:\\s|%20|\\+)+)(?:[A-Za-z0-9+/]{16,}=*|[A-Za-z0-9+/]{6,}==?)",
   "mask": "${1}[redacted:secret]",
   "check": ""
  },
  {
   "name": "e-mail",
   "pattern": "(\\\\[nrtbf])?[\\w.%+-]{1,64}@(?:(?:[A-Za-z][A-Za-z0-9-]{0,62}|\\d{1,2}|\\d[A-Za-z0-9-]{2,62})\\.){1,8}[A-Za-z]{2,}",
   "mask": "${1}[redacted:email]",
   "check": ""
  },
  {
   "name": "e-mail in an address",
   "pattern": "(\\\\[nrtbf])?[\\w.%+-]{1,64}%40(?:(?:[A-Za-z][A-Za-z0-9-]{0,62}|\\d{1,2}|\\d[A-Za-z0-9-]{2,62})\\.){1,8}[A-Za-z]{2,}",
   "mask": "${1}[redacted:email]",
   "check": ""
  },
  {
   "name": "card number",
   "pattern": "(^|[^A-Za-z0-9.]|\\D\\.|\\\\[nrtbf]|\\\\u[0-9a-fA-F]{4})(?:(?:4\\d{3}|5[0-8]\\d{2}|2[2-7]\\d{2}|35\\d{2}|6\\d{3})(?:(?:[ .+_-]{0,3}|%20)\\d{4}){3}(?:(?:[ .+_-]{0,3}|%20)\\d{3})?|4\\d{12}|3[47]\\d{2}(?:[ .+_-]{0,3}|%20)\\d{6}(?:[ .+_-]{0,3}|%20)\\d{5}|3(?:0[0-5]|[68]\\d)\\d(?:[ .+_-]{0,3}|%20)\\d{6}(?:[ .+_-]{0,3}|%20)\\d{4})(_|\\b)",
   "mask": "${1}[redacted:card]${2}",
   "check": "luhn"
  },
  {
   "name": "phone field of JSON",
   "pattern": "(?i)((?:phone(?:[_-]?number)?|mobile|msisdn|whatsapp)(\\\\*)\"\\s*:\\s*)(?:\\\\*\"[+\\d(][^\"\\\\]*\\\\*\"|-?\\d[\\d.eE+-]*)",
   "mask": "${1}${2}\"[redacted:phone]${2}\"",
   "check": ""
  },
  {
   "name": "phone item of a Python dict",
   "pattern": "(?i)((?:phone(?:[_-]?number)?|mobile|msisdn|whatsapp)'\\s*:\\s*)(?:'[+\\d(][^'\"\\\\]*'|-?\\d[\\d.eE+-]*)",
   "mask": "${1}'[redacted:phone]'",
   "check": ""
  },
  {
   "name": "phone assignment",
   "pattern": "(?i)((?:phone(?:[_-]?number)?|mobile|msisdn|whatsapp)(?:\\s?=\\s?|%3D))[+(]?\\d[\\d().-]{5,}",
   "mask": "${1}[redacted:phone]",
   "check": ""
  },
  {
   "name": "international phone",
   "pattern": "(?:\\+|%2[Bb])[1-9](?:(?:[ .()-]|%2[089]){0,2}\\d){9,14}\\b",
   "mask": "[redacted:phone]",
   "check": ""
  },
  {
   "name": "local phone",
   "pattern": "(^|[^\\w.]|\\D\\.|\\\\[nrtbf]|\\\\u[0-9a-fA-F]{4})(?:\\([2-9]\\d{2}\\) ?[2-9]\\d{2}[ .-]\\d{4}|[2-9]\\d{2}[.-][2-9]\\d{2}[.-]\\d{4}|0[1-9](?: \\d\\d){4}|0[1-9]\\d{1,3} (?:\\d{3,4} \\d{4}|\\d{6,8}))\\b",
   "mask": "${1}[redacted:phone]",
   "check": ""
  }
 ]
};
