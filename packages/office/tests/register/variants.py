"""Pairs of spellings that people use for one name: what is in the register, what somebody types. Written for this test."""

SPANISH = """
María González|maria gonsales
María González|Gonzalez Maria
José Hernández|jose ernandes
Ximena Rojas|Jimena Rojas
Javier Giménez|Xavier Jimenez
Víctor Vásquez|Bictor Basques
Yolanda Villalba|Llolanda Viyalba
Baltazar Núñez|Valtasar Nunez
Jhon Quispe|John Kispe
Brayan Muñoz|Bryan Munoz
Yeison Peña|Jeison Pena
Yésica Zambrano|Jessica Sambrano
Guadalupe Huamán|Guadalupe Guaman
Wilmer Cáceres|Vilmer Caseres
Rocío Chávez|Rosio Chaves
Félix Ceballos|Felis Zeballos
Gerardo Ayala|Jerardo Allala
Hilda Benavides|Ilda Venavides
Concepción Ibáñez|Concepsion Ivanez
Trinidad Soto|Trinida Soto
Montserrat Riera|Monserrat Riera
Ezequiel Cruz|Esequiel Crus
Íñigo de la Cruz|inigo cruz
Ángel Del Valle|angel valle
Zenaida Yánez|Senaida Llanes
Jorge Luis Mejía|Jorge Luis Mexia
Esther Bracho|Ester Bracho
Humberto Rangel|Umberto Rangel
Isabel Ochoa|Ysabel Ochoa
Raquel Rivero|Rakel Ribero
Génesis Colmenares|Jenesis Colmenarez
Nayibe Urdaneta|Nallive Urdaneta
Dayana Pacheco|Dallana Pacheko
Maikel Escobar|Maykel Escovar
Kevin Cordero|Quevin Cordero
Marisela Herrera|Maricela Errera
Graciela Ortiz|Grasiela Ortis
Ignacio Aguirre|Inacio Agirre
Elías Abreu|Elias Abreu
Deisy Orozco|Deysi Orosco
Jefferson Mina|Yeferson Mina
Luz Marina Arboleda|luz marina
Carmen|Carmen
Rosalba Campos|Rosalva Canpos
"""
ARABIC = """
محمد أحمد|Mohammed Ahmed
محمد أحمد|Muhammad Ahmad
محمد أحمد|Mohamed Ahmad
محمد أحمد|محمد احمد
مُحَمَّد|محمد
محـــمد|محمد
Mohamed Salah|محمد صلاح
Muhammad Ali|محمد علي
فاطمة الزهراء|فاطمه الزهراء
فاطمة|Fatima
فاطمة|Fatma
Fátima Hassan|فاطمة حسن
عائشة|Aisha
عائشة|Aicha
Ayesha|عائشة
يوسف حسين|Youssef Hussein
يوسف|Yusuf
Yousef|يوسف
عبد الرحمن|عبدالرحمن
عبد الرحمن|Abdul Rahman
عبد الرحمن|Abdurrahman
Abd al-Rahman|Abdelrahman
عبد الله|Abdullah
عبدالله|Abdallah
Abdoullah|عبد الله
عبد العزيز|Abdulaziz
Abdelaziz|عبدالعزيز
عبد القادر|Abdelkader
إبراهيم|ابراهيم
إبراهيم|Ibrahim
إسماعيل|Ismail
Ismael|إسماعيل
الأحمد|Ahmad
Al-Hassan|الحسن
خديجة|Khadija
خالد|Khaled
Khalid|خالد
زينب|Zeinab
Zaynab|زينب
مصطفى|مصطفي
مصطفى|Mustafa
Mostafa|مصطفى
ليلى|Layla
Leila|ليلى
سعيد|Said
Saeed|سعيد
طارق|Tarek
Tariq|طارق
كريم|Karim
Kareem|كريم
قاسم|Qasim
Kassem|قاسم
جمال|Gamal
Jamal|جمال
عثمان|Othman
Osman|عثمان
ياسمين|Yasmin
Yasmine|ياسمين
رؤى|روى
هدى|Huda
نور الدين|Noureddine
سلمى|Salma
صالح|Saleh
Salih|صالح
مريم|Mariam
Maryam|مريم
حسن|Hasan
Hassan|حسن
رانيا|Rania
وليد|Walid
Waleed|وليد
شيماء|Shaima
Chaima|شيماء
"""
FRENCH = """
Philippe Gauthier|Filipe Gautier
Geneviève Lefèvre|Genevieve Lefevre
Mamadou Diallo|Mamadou Dialo
Aminata Cissé|Aminata Cisse
François Kouassi|Francois Kouasi
Étienne Mbaye|Etienne M'Baye
Théophile N'Guessan|Teophile Nguessan
Jean-Baptiste Traoré|Jean Baptiste Traore
Aïssatou Bâ|Aissatou Ba
Ousmane Coulibaly|Ousmane Koulibaly
Cheikh Ndiaye|Sheikh Ndiaye
Mathieu Rousseau|Matthieu Rousseau
Thierry Denis|Tierry Denys
Hélène Moreau|Helene Moreau
"""
PORTUGUESE = """
João Gonçalves|Joao Goncalves
João Gonçalves|Joao Gonsalves
Luís Sousa|Luiz Souza
Thiago Queiroz|Tiago Queiros
Conceição Araújo|Conceicao Araujo
Davi Menezes|David Meneses
Felipe Teixeira|Philipe Teixeira
Ayrton Magalhães|Airton Magalhaes
Inês Penha|Ines Peña
Rafaela Assunção|Raphaela Assuncao
Walmir Batista|Valmir Baptista
Kátia Cardozo|Catia Cardoso
"""
ENGLISH = """
Catherine Smith|Katherine Smyth
Stephen Wright|Steven Wright
Jeffrey Nwosu|Geoffrey Nwosu
Philip Okafor|Phillip Okafor
Elizabeth Akello|Elisabeth Akello
Sarah Achieng|Sara Achieng
Anne Mwangi|Ann Mwangi
Michael Chukwu|Micheal Chukwu
Sean Deng|Shawn Deng
Caitlin Moyo|Kaitlyn Moyo
"""

GROUPS = {"es": SPANISH, "ar": ARABIC, "fr": FRENCH, "pt": PORTUGUESE, "en": ENGLISH}


def pairs() -> list[tuple[str, str, str]]:
    """(language, name in the register, what somebody types)."""
    return [
        (language, *line.split("|", 1))  # type: ignore[misc] # a line holds exactly one bar
        for language, text in GROUPS.items()
        for line in text.strip().splitlines()
    ]
