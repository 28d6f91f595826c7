"""Earlier instructions dropped in languages that the word classes do not reach: one pattern each, data only.

What is dropped, which, and that it is, close together: scripts without spaces, and scripts and languages that join what
we match to other words or put the verb last. Without IGNORECASE, which makes every search many times as slow.
"""

import re

DROPS = (
    re.compile(  # Chinese
        "(?:忽略|无视|無視|忘记|忘記|不要理会)[^。!?\n]{0,12}(?:之前|以前|先前|上述|上面|前面|所有)[^。!?\n]{0,8}"
        "(?:指令|指示|规则|規則|命令|提示词|提示詞)"
    ),
    re.compile(  # Japanese
        "(?:以前|前|上記|これまで|すべて)[^。!?\n]{0,6}(?:指示|命令|ルール|プロンプト)[^。!?\n]{0,6}(?:無視|忘れ)"
    ),
    re.compile("(?:이전|앞|위|모든)[^.!?\n]{0,8}(?:지시|명령|지침|규칙|프롬프트)[^.!?\n]{0,8}(?:무시|잊)"),  # Korean
    re.compile(  # Russian
        "(?:[иИ]гнорируй|[зЗ]абудь)(?:те)?[^.!?\n]{0,16}(?:предыдущие|прежние|прошлые|все)[^.!?\n]{0,12}"
        "(?:инструкции|указания|правила)"
    ),
    re.compile("(?:تجاهل|انس)[^.!?\n]{0,24}(?:التعليمات|الأوامر|التوجيهات|القواعد)"),  # Arabic
    re.compile(  # Hindi
        "(?:पिछले|पूर्व|सभी)[^.!?।\n]{0,16}(?:निर्देश|नियम)[^.!?।\n]{0,12}(?:अनदेखा|अनदेखी|नज़रअंदाज़|भूल)"
    ),
    # Turkish
    re.compile("[öÖ]nceki[^.!?\n]{0,12}(?:talimat|komut|kural)[^.!?\n]{0,12}(?:yok say|unut|görmezden|dikkate alma)"),
    re.compile("(?:[bB]ỏ qua|[qQ]uên)[^.!?\n]{0,24}(?:hướng dẫn|chỉ dẫn|chỉ thị|lệnh)[^.!?\n]{0,8}trước"),  # Vietnamese
)
