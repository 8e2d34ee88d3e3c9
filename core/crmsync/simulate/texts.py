# ruff: noqa: RUF001 - letters of other scripts are the point
"""Free text that breaks careless programs: line breaks, quotes, separators, right-to-left script, emoji, long words."""

from __future__ import annotations

PARAGRAPHS = (
    "Met at the spring fair; asked for a quote.",
    'Said "call me after lunch", then hung up.',
    "First line,\nsecond line; third\tcolumn.",
    "Prefers e-mail. Budget approved for Q3 — subject to the board's vote.",
    "Kunde wünscht Rückruf wegen Größe & Maß der Lieferung.",
    "Intéressé par l'offre d'été : à rappeler dès lundi.",
    "次回の打ち合わせは火曜日です。\n資料を送付済み。",
    "Просит счёт-фактуру и скидку 10 %.",
    "يفضل التواصل عبر البريد الإلكتروني.",
    "ביקש הצעת מחיר עד יום חמישי.",
    "अगले सप्ताह डेमो निर्धारित है।",
    "Very happy with support 👍🏽 wants the new plan 🚀",
    "#N/A is what they wrote in the form, literally.",
    "=SUM(A1:A3) <b>not html</b> & it's 100% fine\\done",
    "다음 주에 다시 연락하기로 함.",
    "Ζήτησε προσφορά για 3 άδειες.",
    "Zażółć gęślą jaźń, powiedział i kupił.",
    "null",
    "A long one: " + "the quick brown fox jumps over the lazy dog, " * 12,
)
