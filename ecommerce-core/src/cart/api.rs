use super::{Cart, CartError, CartLine, PricedLine, lines, price_capped, sql};
use crate::{
    Customer, ProductId, Quantity, Store, UserId,
    db::{Tx, retry},
};

impl Store {
    /// The customer's cart at the prices of now.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn cart(&self, customer: &Customer) -> Result<Cart, CartError> {
        Ok(price_capped(&sql::priced_lines(&mut self.read().await?, customer.user_id).await?, self.currency()))
    }

    /// Puts pieces into the cart, adding to those that are there: all of the list or nothing.
    ///
    /// # Errors
    /// [`CartError::Invalid`] when a line, the cart or its total would be too large, [`CartError::UnknownProduct`],
    /// [`CartError::InsufficientStock`] with every line of the list that would ask for more than there is.
    pub async fn cart_add(&self, customer: &Customer, lines: &[CartLine]) -> Result<Cart, CartError> {
        let wanted = lines::sum_up(lines)?;
        retry(async || {
            let (mut tx, cart) = self.begin_cart(customer.user_id).await?;
            let wanted = lines::added(&cart, &wanted)?;
            let cart = self.put_lines(&mut tx, customer.user_id, cart, &wanted).await?;
            tx.commit().await?;
            Ok(cart)
        })
        .await
    }

    /// Takes pieces out of the cart; the line goes with its last piece.
    ///
    /// # Errors
    /// [`CartError::NotInCart`].
    pub async fn cart_reduce(&self, customer: &Customer, product: ProductId, by: Quantity) -> Result<Cart, CartError> {
        retry(async || {
            let (mut tx, mut cart) = self.begin_cart(customer.user_id).await?;
            let line = cart.iter_mut().find(|line| line.product == product).ok_or(CartError::NotInCart(product))?;
            let left = i64::from(line.quantity.get()) - i64::from(by.get());
            let cart = if let Ok(quantity) = Quantity::new(left) {
                line.quantity = quantity;
                sql::put_lines(&mut tx, customer.user_id, &[CartLine { product, quantity }], self.now()).await?;
                price_capped(&cart, self.currency())
            } else {
                self.delete_line(&mut tx, customer.user_id, cart, product).await?
            };
            tx.commit().await?;
            Ok(cart)
        })
        .await
    }

    /// Takes a product out of the cart.
    ///
    /// # Errors
    /// [`CartError::NotInCart`].
    pub async fn cart_remove(&self, customer: &Customer, product: ProductId) -> Result<Cart, CartError> {
        retry(async || {
            let (mut tx, cart) = self.begin_cart(customer.user_id).await?;
            if cart.iter().all(|line| line.product != product) {
                return Err(CartError::NotInCart(product));
            }
            let cart = self.delete_line(&mut tx, customer.user_id, cart, product).await?;
            tx.commit().await?;
            Ok(cart)
        })
        .await
    }

    /// Sets how many of a product are in the cart, adding the line where there is none. `None` removes it, if it is there.
    ///
    /// # Errors
    /// With a quantity, those of [`Store::cart_add`]; without one only the database's.
    pub async fn cart_set(&self, customer: &Customer, product: ProductId, quantity: Option<Quantity>) -> Result<Cart, CartError> {
        retry(async || {
            let (mut tx, cart) = self.begin_cart(customer.user_id).await?;
            let cart = match quantity {
                Some(quantity) => self.put_lines(&mut tx, customer.user_id, cart, &[CartLine { product, quantity }]).await?,
                None => self.delete_line(&mut tx, customer.user_id, cart, product).await?,
            };
            tx.commit().await?;
            Ok(cart)
        })
        .await
    }

    /// Takes everything out of the cart.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn cart_clear(&self, customer: &Customer) -> Result<Cart, CartError> {
        retry(async || {
            let (mut tx, _) = self.begin_cart(customer.user_id).await?;
            sql::delete_lines(&mut tx, customer.user_id).await?;
            tx.commit().await?;
            Ok(price_capped(&[], self.currency()))
        })
        .await
    }

    /// Locks the cart and reads its lines. Whoever changes the same cart meanwhile waits, so that nothing is lost.
    async fn begin_cart(&self, user: UserId) -> Result<(Tx, Vec<PricedLine>), CartError> {
        let mut tx = self.write().await?;
        sql::lock(&mut tx, user).await?;
        let lines = sql::priced_lines(&mut tx, user).await?;
        Ok((tx, lines))
    }

    async fn put_lines(&self, tx: &mut Tx, user: UserId, cart: Vec<PricedLine>, wanted: &[CartLine]) -> Result<Cart, CartError> {
        let offers = sql::offers(tx, wanted).await?;
        let cart = lines::put(cart, wanted, offers, self.currency())?;
        sql::put_lines(tx, user, wanted, self.now()).await?;
        Ok(cart)
    }

    async fn delete_line(
        &self,
        tx: &mut Tx,
        user: UserId,
        mut cart: Vec<PricedLine>,
        product: ProductId,
    ) -> Result<Cart, CartError> {
        sql::delete_line(tx, user, product).await?;
        cart.retain(|line| line.product != product);
        Ok(price_capped(&cart, self.currency()))
    }
}
