# ruff: noqa: RUF001 - letters of other scripts are the point
"""Fictional people, companies and places in many scripts, as pools a seeded generator draws from."""

from __future__ import annotations

from msgspec import Struct


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


class Culture(Struct, frozen=True):
    """Names and places that go together, so that one record reads as one person from one place."""

    code: str
    country: str
    given: tuple[str, ...]
    family: tuple[str, ...]
    cities: tuple[str, ...]
    states: tuple[str, ...]
    streets: tuple[str, ...]
    suffixes: tuple[str, ...]
    dial: str


CULTURES = (
    Culture(
        "en_US",
        "United States",
        _words(
            "Amelia Ben Carla Dwight Erin Frank Grace Henry Isla Jack Kate Liam Maya Noah Olive Paul Quinn Rosa Sam"
        ),
        _phrases("Smith, O'Brien, Carter, de la Cruz, Evans, Foster, Garcia, Hughes, Irving, Jones, King-Lee, Miller"),
        _phrases("Portland, Austin, Denver, St. Louis, Salt Lake City, Boise"),
        _words("OR TX CO MO UT ID"),
        _phrases("Main Street, Oak Avenue, 5th Street, Elm Drive"),
        _phrases("Inc., LLC, Group, & Sons, Corporation"),
        "+1 503",
    ),
    Culture(
        "de",
        "Deutschland",
        _words("Anna Björn Clara Dieter Elke Günther Heike Jürgen Käthe Lukas Mia Nils Ömer Petra Rüdiger Sören"),
        _words("Müller Groß Weiß Schäfer Köhler Böttcher Vogel Krüger Yıldız Strauß Jäger Lüdemann"),
        _words("Köln München Düsseldorf Göttingen Nürnberg Görlitz"),
        _words("NRW Bayern NRW Niedersachsen Bayern Sachsen"),
        _words("Hauptstraße Gartenweg Mühlgasse Königsallee"),
        _phrases("GmbH, AG, & Söhne KG, e.K."),
        "+49 221",
    ),
    Culture(
        "fr",
        "France",
        _words("Aurélie Benoît Chloé Élodie François Gaëlle Hélène Jérôme Léa Maël Noémie Océane Raphaël Zoé"),
        _phrases("Lefèvre, Dubois, Béranger, L'Hermitte, Moreau, Çelik, Garnier, Noël, Périer, d'Aubigné"),
        _phrases("Lyon, Orléans, Besançon, Saint-Étienne, Nîmes"),
        _phrases("Auvergne-Rhône-Alpes, Centre-Val de Loire, Bourgogne-Franche-Comté, Loire, Gard"),
        _phrases("rue de l'Église, avenue Foch, place d'Armes, allée des Tilleuls"),
        _phrases("SARL, SA, et Fils, SAS"),
        "+33 4",
    ),
    Culture(
        "ja",
        "日本",
        _words("美咲 翔太 さくら 健太 陽子 大輔 結衣 拓海 真理子 一郎"),
        _words("佐藤 鈴木 高橋 田中 渡辺 伊藤 山本 髙橋 齋藤 小林"),
        _words("東京 大阪 札幌 福岡 名古屋"),
        _words("東京都 大阪府 北海道 福岡県 愛知県"),
        _words("中央一丁目 本町二丁目 栄三丁目 緑町四丁目"),
        _words("株式会社 有限会社 合同会社 商店"),
        "+81 3",
    ),
    Culture(
        "zh_CN",
        "中国",
        _words("伟 芳 娜 敏 静 丽 强 磊 洋 艳"),
        _words("王 李 张 刘 陈 杨 赵 黄 周 欧阳"),
        _words("北京 上海 广州 成都 杭州"),
        _words("北京市 上海市 广东省 四川省 浙江省"),
        _words("人民路 解放大道 中山路 建国街"),
        _words("有限公司 集团 股份公司 商行"),
        "+86 10",
    ),
    Culture(
        "ru",
        "Россия",
        _words("Анна Борис Вера Дмитрий Екатерина Игорь Ксения Леонид Мария Фёдор Юлия Щукарь"),
        _words("Иванова Смирнов Кузнецова Попов Соколова Лебедев Ёлкин Щербаков Яковлева"),
        _words("Москва Казань Самара Тверь Уфа"),
        _words("Москва Татарстан Самара Тверь Башкортостан"),
        _phrases("ул. Ленина, пр. Мира, ул. Садовая, наб. реки"),
        _phrases("ООО, АО, и партнёры, Групп"),
        "+7 495",
    ),
    Culture(
        "ar",
        "مصر",
        _words("أحمد فاطمة محمد ليلى يوسف مريم عمر نور خالد هدى"),
        _words("السيد حسن عبدالله النجار الشافعي سليمان منصور قاسم"),
        _words("القاهرة الإسكندرية الجيزة أسوان طنطا"),
        _words("القاهرة الإسكندرية الجيزة أسوان الغربية"),
        _phrases("شارع النيل, شارع التحرير, ميدان السلام, طريق البحر"),
        _words("شركة مؤسسة مجموعة وأولاده"),
        "+20 2",
    ),
    Culture(
        "iw",
        "ישראל",
        _words("יעל דוד נועה אבי תמר משה שירה יוסי רות אורי"),
        _phrases("כהן, לוי, מזרחי, פרץ, ביטון, אברהם, פרידמן, בן-דוד"),
        _phrases("תל אביב, חיפה, ירושלים, באר שבע, נתניה"),
        _phrases("תל אביב, חיפה, ירושלים, הדרום, המרכז"),
        _phrases("רחוב הרצל, שדרות רוטשילד, דרך יפו, רחוב הגפן"),
        _phrases("בע״מ, ובניו, קבוצה, ושות׳"),
        "+972 3",
    ),
    Culture(
        "hi",
        "भारत",
        _words("आरव प्रिया राहुल अनिता विकास सुनीता अर्जुन कविता संजय मीरा"),
        _words("शर्मा गुप्ता सिंह पटेल वर्मा यादव मिश्रा चौधरी"),
        _words("दिल्ली मुंबई जयपुर लखनऊ भोपाल"),
        _phrases("दिल्ली, महाराष्ट्र, राजस्थान, उत्तर प्रदेश, मध्य प्रदेश"),
        _phrases("गांधी मार्ग, स्टेशन रोड, नेहरू नगर, बाज़ार गली"),
        _phrases("प्राइवेट लिमिटेड, समूह, एंड संस, उद्योग"),
        "+91 11",
    ),
    Culture(
        "ko",
        "대한민국",
        _words("민준 서연 지훈 하은 도윤 수빈 예준 지우 현우 은지"),
        _words("김 이 박 최 정 강 조 남궁 선우 황보"),
        _words("서울 부산 인천 대구 광주"),
        _phrases("서울특별시, 부산광역시, 인천광역시, 대구광역시, 광주광역시"),
        _words("세종대로 중앙로 강남대로 해운대로"),
        _words("주식회사 유한회사 그룹 상사"),
        "+82 2",
    ),
    Culture(
        "el",
        "Ελλάδα",
        _words("Ελένη Γιώργος Μαρία Νίκος Σοφία Δημήτρης Άννα Κώστας"),
        _words("Παπαδόπουλος Οικονόμου Νικολάου Γεωργίου Δήμου Ιωάννου"),
        _words("Αθήνα Θεσσαλονίκη Πάτρα Βόλος"),
        _words("Αττική Μακεδονία Αχαΐα Θεσσαλία"),
        _phrases("οδός Ερμού, λεωφόρος Νίκης, οδός Αθηνάς, πλατεία Αγοράς"),
        _phrases("ΑΕ, ΕΠΕ, & Υιοί, Όμιλος"),
        "+30 21",
    ),
    Culture(
        "pl",
        "Polska",
        _words("Łukasz Agnieszka Święcisława Paweł Małgorzata Józef Żaneta Michał"),
        _words("Wójcik Kowalska Dąbrowski Zieliński Łęcka Ścisły Gałązka Śliwa"),
        _words("Kraków Łódź Gdańsk Wrocław Poznań"),
        _words("małopolskie łódzkie pomorskie dolnośląskie wielkopolskie"),
        _phrases("ul. Długa, al. Jana Pawła II, ul. Źródlana, pl. Św. Ducha"),
        _phrases("sp. z o.o., S.A., i Synowie, s.c."),
        "+48 12",
    ),
)

COMPANY_WORDS = _phrases(
    "Northwind, Brightwater, Copperleaf, Juniper Ridge, Bluefin, Harvest Moon, Ironbridge, Larkspur, Meridian, Quarry "
    "Lane, Silverline, Tidewater, Umbra, Vantage Point, Willowbank, Zephyr, Lumière, Nordlicht, Aurora, Estrella"
)
TITLES = _phrases(
    "CEO, CTO, VP Marketing, Head of Sales, Buyer, Engineer, Product Manager, Data Analyst, Leiterin Einkauf, "
    "Directrice commerciale, 部長, Менеджер, مدير المبيعات, Office Manager, Chief of Staff & Operations"
)
DEPARTMENTS = _phrases("Sales, Marketing, Finance, Research & Development, Support, Vertrieb, Achats, 営業部")
